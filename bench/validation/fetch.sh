#!/bin/sh
# fetch.sh FOLDER fetches the real pictures that "kycmark-bench units" measures on, and checks each by
# its SHA-256. They are not part of this repository: their licences or the persons shown do not allow it.
#
#   imagenet  one photograph of each ImageNet class; for research
#   receipt   scans of real receipts (ICDAR 2019 SROIE); repository MIT, pictures of a public challenge
#   camera    photographs by cameras and phones of many makers; free to use for tests
#   people    photographs of persons; repository MIT
#
# Of imagenet and receipt only files are listed whose SHA-256 begins with 0 to 7. The other half is kept
# to judge the result.
set -eu
[ $# = 1 ] || { echo "usage: fetch.sh FOLDER" >&2; exit 2; }
list=$(cd "$(dirname "$0")" && pwd)/pictures.txt
mkdir -p "$1"
cd "$1"
take() { # NAME REPOSITORY COMMIT
	[ -d ".$1" ] || git clone -q --no-checkout "https://github.com/$2.git" ".$1"
	while read -r sum name path; do
		[ "$name" = "$1" ] || continue
		file=$name-$(printf %s "$path" | tr '/ ' '__')
		[ -f "$file" ] || git --git-dir=".$1/.git" show "$3:$path" > "$file"
		echo "$sum  $file" | sha256sum -c --quiet || exit 1
	done < "$list"
}
take imagenet EliSchwartz/imagenet-sample-images bc69043e2862758a1906c6a24a792bb28c6bb2ff
take receipt zzzDavid/ICDAR-2019-SROIE 27be4271b251c256f695acbade9a801bffe85994
take camera drewnoakes/metadata-extractor-images 4beba640487802442bc9931fb01274e908102d3a
take people vladmandic/human 151df64d6143db8d0cf14df39e69be2f655f9f34
