// Package testdata holds the pictures that the demo and the tests of several packages share: drawings of invented
// persons' documents, none of them real. README.md in this folder says where each file comes from.
package testdata

import (
	"embed"
	"time"
)

//go:generate sh -c "cd .. && go run ./internal/test/specimen/generate"

// Pictures holds the demo's pictures as pictures/NAME.jpg.
//
//go:embed pictures/*.jpg
var Pictures embed.FS

// Entry says what one picture plays in the demo.
type Entry struct {
	File      string    // name in Pictures, with its folder
	Subject   string    // opaque reference of who uploaded it; empty if the picture is a stranger's
	Submitted time.Time // when it came in, UTC; zero for a stranger's
	About     string    // one line for people
}

// Uploaded says whether the picture was submitted: 12 of the 15 were.
func (e Entry) Uploaded() bool { return e.Subject != "" }

// Manifest lists every picture: the uploads in order of submission, then the strangers'. A vendor held the uploads of
// February 2018 unmarked, because marking began later.
func Manifest() []Entry {
	upload := func(file, subject string, year int, month time.Month, day, hour int, about string) Entry {
		return Entry{"pictures/" + file, subject, time.Date(year, month, day, hour, 17, 0, 0, time.UTC), about}
	}
	return []Entry{
		upload("anna_passport.jpg", "subject-7f31", 2018, time.February, 3, 9, "passport, photographed on a desk"),
		upload("anna_selfie.jpg", "subject-7f31", 2018, time.February, 3, 10, "selfie of the same person"),
		upload("bruno_passport.jpg", "subject-20c8", 2018, time.February, 9, 14, "passport of another person, same template"),
		upload("bruno_selfie.jpg", "subject-20c8", 2018, time.February, 9, 15, "selfie of the same person"),
		upload("chidi_idcard.jpg", "subject-b54a", 2018, time.February, 17, 8, "identity card, photographed"),
		upload("elif_licence.jpg", "subject-e90d", 2018, time.February, 26, 19, "driving licence, scanned"),
		upload("daria_idcard.jpg", "subject-4c62", 2018, time.May, 2, 11, "identity card of another person, same template"),
		upload("daria_bill.jpg", "subject-4c62", 2018, time.May, 2, 12, "electricity bill, scanned"),
		upload("farid_residence.jpg", "subject-913b", 2018, time.August, 21, 16, "residence card, photographed, with glare"),
		upload("farid_selfie.jpg", "subject-913b", 2018, time.August, 21, 17, "selfie of the same person"),
		upload("hana_bill.jpg", "subject-d07e", 2018, time.September, 5, 7, "electricity bill, photographed"),
		upload("kenji_licence.jpg", "subject-58f4", 2019, time.January, 14, 13, "driving licence of another person, same template"),
		{File: "pictures/stranger_coast.jpg", About: "a landscape: nothing like any upload"},
		{File: "pictures/stranger_passport.jpg", About: "passport of a person who uploaded nothing, same template as two uploads"},
		{File: "pictures/anna_passport_again.jpg", About: "a second photograph of the first upload's passport: another file, not ours"},
	}
}
