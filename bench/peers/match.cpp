// Linear searches in C++ on the hashes and queries that `kycmark bench match` wrote,
// one core, as yardsticks: FAISS's IndexBinaryFlat, POPCNT, AVX-512 VPOPCNTDQ.
//
//   match HASHES QUERIES RADIUS ROUNDS
//
// Both files hold 32 bytes a hash. For every way a line is printed: its name, the
// milliseconds of CPU time that a query took in the best round, and how many
// hashes all queries found, which must agree.
#include <faiss/IndexBinaryFlat.h>
#include <faiss/impl/AuxIndexStructures.h>
#include <immintrin.h>
#include <omp.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <vector>

namespace {

constexpr size_t kBytes = 32;

struct Hashes {
    uint8_t* data;
    size_t n;
};

// In huge pages, as the hashes of the index are.
Hashes load(const char* path) {
    FILE* f = fopen(path, "rb");
    if (!f) {
        perror(path);
        exit(1);
    }
    fseek(f, 0, SEEK_END);
    size_t size = ftell(f);
    rewind(f);
    size_t whole = (size + (2 << 20) - 1) & ~size_t((2 << 20) - 1);
    void* p = aligned_alloc(2 << 20, std::max<size_t>(whole, 2 << 20));
    if (!p) {
        perror("memory");
        exit(1);
    }
    madvise(p, whole, MADV_HUGEPAGE);
    if (fread(p, 1, size, f) != size) {
        perror(path);
        exit(1);
    }
    fclose(f);
    return {static_cast<uint8_t*>(p), size / kBytes};
}

double cpu() {
    timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * 1e3 + t.tv_nsec * 1e-6;
}

size_t popcnt(const Hashes& h, const uint8_t* query, int radius, std::vector<int64_t>& out) {
    const uint64_t* q = reinterpret_cast<const uint64_t*>(query);
    const uint64_t* p = reinterpret_cast<const uint64_t*>(h.data);
    const uint64_t q0 = q[0], q1 = q[1], q2 = q[2], q3 = q[3];
    out.clear();
    for (size_t i = 0; i < h.n; i++, p += 4) {
        int d = __builtin_popcountll(p[0] ^ q0) + __builtin_popcountll(p[1] ^ q1) +
                __builtin_popcountll(p[2] ^ q2) + __builtin_popcountll(p[3] ^ q3);
        if (d <= radius) out.push_back(i);
    }
    return out.size();
}

#ifdef __AVX512VPOPCNTDQ__
size_t avx512(const Hashes& h, const uint8_t* query, int radius, std::vector<int64_t>& out) {
    const __m512i q = _mm512_broadcast_i64x4(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(query)));
    const __m512i most = _mm512_set1_epi16(radius);
    out.clear();
    size_t i = 0;
    for (; i + 8 <= h.n; i += 8) {
        const uint8_t* p = h.data + kBytes * i;
        __m512i c[4];
        for (int k = 0; k < 4; k++)
            c[k] = _mm512_popcnt_epi64(_mm512_xor_si512(_mm512_loadu_si512(p + 64 * k), q));
        __m512i s = _mm512_add_epi64(_mm512_add_epi64(c[0], _mm512_slli_epi64(c[1], 16)),
                                     _mm512_add_epi64(_mm512_slli_epi64(c[2], 32), _mm512_slli_epi64(c[3], 48)));
        s = _mm512_add_epi64(s, _mm512_shuffle_epi32(s, _MM_PERM_BADC));
        s = _mm512_add_epi64(s, _mm512_permutex_epi64(s, 0x4e));
        if (_mm512_cmple_epu16_mask(s, most)) {
            Hashes eight{h.data + kBytes * i, 8};
            std::vector<int64_t> near;
            popcnt(eight, query, radius, near);
            for (int64_t k : near) out.push_back(i + k);
        }
    }
    Hashes rest{h.data + kBytes * i, h.n - i};
    std::vector<int64_t> near;
    popcnt(rest, query, radius, near);
    for (int64_t k : near) out.push_back(i + k);
    return out.size();
}
#endif

void measure(const char* name, const Hashes& queries, int rounds, const std::function<size_t(const uint8_t*)>& search) {
    double best = 1e300;
    size_t found = 0;
    for (int r = 0; r < rounds; r++) {
        found = 0;
        double start = cpu();
        for (size_t i = 0; i < queries.n; i++) found += search(queries.data + kBytes * i);
        best = std::min(best, (cpu() - start) / queries.n);
    }
    printf("%s\t%.6f\t%zu\n", name, best, found);
    fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 5) {
        fprintf(stderr, "usage: match HASHES QUERIES RADIUS ROUNDS\n");
        return 2;
    }
    omp_set_num_threads(1);
    Hashes hashes = load(argv[1]), queries = load(argv[2]);
    int radius = atoi(argv[3]), rounds = atoi(argv[4]);
    std::vector<int64_t> out;
    measure("C++ POPCNT", queries, rounds, [&](const uint8_t* q) { return popcnt(hashes, q, radius, out); });
#ifdef __AVX512VPOPCNTDQ__
    measure("C++ AVX-512", queries, rounds, [&](const uint8_t* q) { return avx512(hashes, q, radius, out); });
#endif
    faiss::IndexBinaryFlat flat(kBytes * 8);
    flat.add(hashes.n, hashes.data);
    free(hashes.data);
    measure("FAISS IndexBinaryFlat", queries, rounds, [&](const uint8_t* q) {
        faiss::RangeSearchResult result(1);
        flat.range_search(1, q, radius + 1, &result);  // nearer than
        return result.lims[1];
    });
    return 0;
}
