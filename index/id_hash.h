// The documented hash that puts a population in a stable order and cuts it into 1,000,000 buckets,
// so that another system can compute who is where (docs/expressions.md has test vectors).
//
//   uint32_t bucket = BucketOf(IdHash("u17"), SaltHash("spring"));   // 0 to 999,999
//   uint64_t place = PlaceOf(IdHash("u17"), SaltHash("spring"));     // in the order of the buckets
//
// Source: xxHash64 (Y. Collet) of the id's bytes, seed 0; the finalizer of MurmurHash3 (A. Appleby)
// mixes it with the salt's hash; the high half of a multiplication scales it without bias.
#ifndef THRONG_INDEX_ID_HASH_H_
#define THRONG_INDEX_ID_HASH_H_

#include <cstdint>
#include <string_view>

namespace throng::index {

inline constexpr uint32_t kBuckets = 1'000'000;

// `id` is the primary id as text. Thread-safe, like all here.
uint64_t IdHash(std::string_view id);
uint64_t SaltHash(std::string_view salt);

// The user's place among all users under the salt: users of smaller buckets have smaller ones. Two
// ids have the same only if their hashes are the same.
inline uint64_t PlaceOf(uint64_t id_hash, uint64_t salt_hash) {
  uint64_t x = id_hash ^ salt_hash;
  x ^= x >> 33;
  x *= 0xff51afd7ed558ccdULL;
  x ^= x >> 33;
  x *= 0xc4ceb9fe1a85ec53ULL;
  x ^= x >> 33;
  return x;
}

inline uint32_t BucketOf(uint64_t id_hash, uint64_t salt_hash) {
  __extension__ using Uint128 = unsigned __int128;
  return static_cast<uint32_t>((static_cast<Uint128>(PlaceOf(id_hash, salt_hash)) * kBuckets) >>
                               64);
}

}  // namespace throng::index

#endif  // THRONG_INDEX_ID_HASH_H_
