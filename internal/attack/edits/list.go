// Package edits has the attacks that tests of pipelines need: the attacks of package attack, and edits such as
// rotations, overlays, tones and photographs of screens.
package edits

import (
	"errors"
	"fmt"
	"image"
	"slices"

	"github.com/disintegration/imaging"

	"github.com/kycmark/kycmark/internal/attack"
)

// ErrUnknown is returned for a name that is not in the list.
var ErrUnknown = errors.New("attack: unknown attack")

// All returns the twelve attacks that tests of pipelines and the demonstration need. Geometry, tone and
// overlays are saved as JPEG 85, because that is what an editor does. The list is a function so that
// a program which attacks nothing builds nothing at its start.
func All() []attack.Attack {
	return []attack.Attack{
		attack.New("jpeg50", "codec", "JPEG quality 50, 4:2:0", attack.JPEG(50)),
		attack.New("telegram", "messenger", "at most 1280 px, attack.JPEG 87", attack.Steps(attack.FitTo(1280), attack.JPEG(87))),
		attack.New("telegram_low", "messenger", "at most 800 px, attack.JPEG 70", attack.Steps(attack.FitTo(800), attack.JPEG(70))),
		attack.New("thumb320", "thumbnail", "at most 320 px, attack.JPEG 80", attack.Steps(attack.FitTo(320), attack.JPEG(80))),
		attack.New("crop50", "crop", "50 % of the area, random place, attack.JPEG 85", attack.Steps(attack.CropTo(.5), attack.JPEG(85))),
		attack.New("rot5", "rotate", "rotated by -5 degrees, attack.JPEG 85", attack.Steps(Turn(-5), attack.JPEG(85))),
		attack.New("mirror", "rotate", "mirrored left to right, attack.JPEG 85", attack.Steps(From(imaging.FlipH), attack.JPEG(85))),
		attack.New("contrast", "tone", "contrast 1.4 and 50 levels darker, attack.JPEG 85", attack.Steps(Tone(Line(1.4, -50)), attack.JPEG(85))),
		attack.New("redact30", "overlay", "black boxes over 30 %, attack.JPEG 85", attack.Steps(Redact(.3), attack.JPEG(85))),
		attack.New("stamp", "overlay", "six red lines of text, attack.JPEG 85", attack.Steps(stamp, attack.JPEG(85))),
		attack.New("screenshot", "capture", "1000 px in a dark review page, not compressed", attack.Screenshot(1000)),
		attack.New("screen_photo", "capture", "a phone's picture of a screen, attack.JPEG 82", attack.Steps(ScreenPhoto, attack.JPEG(82))),
	}
}

// Find returns the attack of [All] called name. The error wraps [ErrUnknown].
func Find(name string) (attack.Attack, error) {
	all := All()
	if i := slices.IndexFunc(all, func(a attack.Attack) bool { return a.Name == name }); i >= 0 {
		return all[i], nil
	}
	return attack.Attack{}, fmt.Errorf("%w %q", ErrUnknown, name)
}

// From returns the step that changes every picture by a function of package imaging.
func From(f func(image.Image) *image.NRGBA) attack.Step {
	return attack.Plain(func(p *image.NRGBA) *image.NRGBA { return f(p) })
}
