// Times the PDQ reference (facebook/ThreatExchange, folder pdq/cpp) on decoded
// pixels. Arguments: a binary portable pixmap (P6, 255), the number of runs, and
// optionally "full" to hash every pixel, "dihedral" for its eight hashes.
// Without "full", pictures with a side over 512 pixels are first reduced as the
// reference's file reader does it. Prints a line for each run: milliseconds,
// quality, hash or hashes.
//
// The picture is unpacked to planes before the clock starts, as its own file
// reader does when it decodes; what is timed is reduction, luma and hash.
#define cimg_display 0
#include <pdq/cpp/CImg.h>
#include <pdq/cpp/hashing/pdqhashing.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

using namespace facebook::pdq::hashing;
using Picture = cimg_library::CImg<uint8_t>;

static bool read(const char* path, Picture& out) {
  FILE* f = std::fopen(path, "rb");
  int w = 0, h = 0, most = 0;
  if (f == nullptr || std::fscanf(f, "P6 %d %d %d", &w, &h, &most) != 3 ||
      most != 255 || w < 1 || h < 1 || std::fgetc(f) == EOF) {
    return false;
  }
  out.assign(w, h, 1, 3);
  std::vector<uint8_t> row(3 * static_cast<size_t>(w));
  for (int y = 0; y < h; y++) {
    if (std::fread(row.data(), 1, row.size(), f) != row.size()) {
      return false;
    }
    for (int x = 0; x < w; x++) {
      for (int c = 0; c < 3; c++) {
        out(x, y, 0, c) = row[3 * x + c];
      }
    }
  }
  std::fclose(f);
  return true;
}

struct Answer {
  Hash256 hash[8];
  int count = 1;
  int quality = 0;
};

static void hash(Picture& m, bool dihedral, Answer& a) {
  int w = m.width(), h = m.height();
  size_t n = static_cast<size_t>(w) * h;
  float* one = new float[n];
  float* two = new float[n];
  static float grid[64][64], half[16][64], low[16][16], turned[16][16];
  fillFloatLumaFromRGB(
      &m(0, 0, 0, 0), &m(0, 0, 0, 1), &m(0, 0, 0, 2), h, w, w, 1, one);
  if (dihedral) {
    a.count = 8;
    pdqDihedralHash256esFromFloatLuma(
        one, two, h, w, grid, half, low, turned, &a.hash[0], &a.hash[1],
        &a.hash[2], &a.hash[3], &a.hash[4], &a.hash[5], &a.hash[6], &a.hash[7],
        a.quality);
  } else {
    pdqHash256FromFloatLuma(
        one, two, h, w, grid, half, low, a.hash[0], a.quality);
  }
  delete[] one;
  delete[] two;
}

int main(int argc, char** argv) {
  Picture m;
  if (argc < 3 || !read(argv[1], m)) {
    std::fprintf(stderr, "usage: pdq FILE.ppm RUNS [full|dihedral]\n");
    return 1;
  }
  bool full = argc > 3 && std::strcmp(argv[3], "full") == 0;
  bool dihedral = argc > 3 && std::strcmp(argv[3], "dihedral") == 0;
  for (int run = std::atoi(argv[2]); run > 0; run--) {
    Answer a;
    auto start = std::chrono::steady_clock::now();
    if (!full && (m.width() > 512 || m.height() > 512)) {
      Picture small = m.get_resize(512, 512);
      hash(small, dihedral, a);
    } else {
      hash(m, dihedral, a);
    }
    std::chrono::duration<double, std::milli> took =
        std::chrono::steady_clock::now() - start;
    std::printf("%.4f %d", took.count(), a.quality);
    for (int i = 0; i < a.count; i++) {
      std::printf(" %s", a.hash[i].format().c_str());
    }
    std::printf("\n");
  }
  return 0;
}
