package specimen

// Names of many tongues, so that documents show diacritics, long names and
// short ones; letters within the Go fonts (Latin with its European accents).
// They are joined by chance; a person of the same name is a coincidence.

var givenWomen = []string{
	"Adaeze", "Aiko", "Alba", "Amina", "Anaïs", "Anna", "Asha", "Beatriz", "Birgit", "Camille",
	"Chiara", "Daria", "Dilnoza", "Edda", "Elif", "Emma", "Esperança", "Fatou", "Freya", "Gabriela",
	"Hana", "Helga", "Imani", "Ingrid", "Irina", "Isolde", "Jasmin", "Jolanta", "Kaisa", "Katarína",
	"Lakshmi", "Leïla", "Linh", "Lucía", "Maija", "Małgorzata", "Mei", "Milica", "Naledi", "Noor",
	"Oksana", "Olivia", "Parvin", "Petra", "Rania", "Rosalie", "Ruth", "Saoirse", "Sigríður", "Siti",
	"Sofia", "Tamar", "Thandiwe", "Ulla", "Valentina", "Wanjiru", "Xiadani", "Yara", "Zeynep", "Zuzana",
}

var givenMen = []string{
	"Abebe", "Adrián", "Ahmed", "Anders", "Arjun", "Bálint", "Benedikt", "Bruno", "Carlos", "Chidi",
	"Cyril", "Dániel", "Dmitri", "Eero", "Emeka", "Enzo", "Farid", "Felix", "Georgi", "Giorgos",
	"Hamid", "Haruto", "Henrik", "Ibrahim", "Ilya", "Iñigo", "Jakub", "João", "Jörg", "Kamau",
	"Kenji", "Kofi", "Lars", "Lorenzo", "Luka", "Maksim", "Marcel", "Mateo", "Mehmet", "Minh",
	"Nikola", "Olumide", "Oskar", "Pablo", "Péter", "Rafał", "Ravi", "Reza", "Samuel", "Sanjay",
	"Sione", "Søren", "Tariq", "Tomás", "Umar", "Vasile", "Wei", "Yusuf", "Zbigniew", "Zoltán",
}

var surnames = []string{
	"Aalto", "Abara", "Achterberg", "Adeyemi", "Ahlgren", "Almeida", "Andal", "Árnadal", "Balogh", "Banda",
	"Barlow", "Belloc", "Bergqvist", "Björkman", "Bošnjak", "Brandvold", "Cárdenas", "Chaudhri", "Cimarosti", "Dąbek",
	"Delacroix", "Diallo", "Dragomir", "Eberhardt", "Ekwueme", "Eriksson", "Escalante", "Faßbinder", "Ferreira", "Fjeldstad",
	"Garrido", "Ghosh", "Gökçe", "Grünwald", "Haddad", "Hakimi", "Halvorsen", "Hovhanesian", "Ilves", "Imai",
	"Jankowska", "Jovičić", "Kaplan", "Kariuki", "Karlsen", "Kovářík", "Krasniqi", "Kruszwicki", "Lacroix", "Lindqvist",
	"Łukomski", "Machado", "Mäkelä", "Marchetti", "Mbeki", "Mensah", "Moravec", "Müllner", "Nakamori", "Ndiaye",
	"Nilsen", "Novotná", "Nyberg", "O'Sheridan", "Odhiambo", "Okafor", "Olander", "Ørsted", "Ozturan", "Papadakis",
	"Pereira", "Petrosyan", "Pham", "Quintero", "Rahmani", "Rautio", "Rossi", "Sæther", "Saldanha", "Sándor",
	"Sarkisov", "Schöller", "Silva", "Soto", "Strömberg", "Székely", "Tagore", "Takahara", "Tanaka", "Thiam",
	"Þorvald", "Tóth", "Ubani", "Ustinov", "Valderrama", "van der Meer", "Vasquez", "Virtanen", "Wachira", "Weissmann",
	"Wójtowicz", "Yamada", "Yilmazer", "Zabala", "Zielińska", "Zuñiga",
}

var towns = []string{
	"Amaurot", "Anyder", "Nephelon", "Port Solace", "Harrowmere", "Lindeholm", "Valdoré", "Kestrelby", "Ostermünde", "Santa Quimera",
	"Brackenford", "Novy Bereg", "Miravalle", "Tesseral", "Ygrenhavn", "Calderwick", "Polyleria", "Achoria", "Macaria", "Zephyrstad",
}

var streets = []string{
	"Harbour Street", "Orchard Lane", "Mill Row", "Lantern Street", "Cedar Avenue", "Observatory Hill", "Canal Side", "Granary Street", "Linden Avenue", "Ferry Road",
	"Weavers' Yard", "Station Road", "Quarry Hill", "Chapel Street", "Lighthouse Way", "Vineyard Close", "Foundry Street", "Willow Walk", "Market Square", "Tannery Lane",
}
