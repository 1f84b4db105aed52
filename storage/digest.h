// 128-bit digests (XXH3) of bytes, and of what a population holds: equal where two snapshots select
// the same users, whatever their blocks look like.
//
//   PopulationDigest digest = DigestOf(population, *snapshot, parallel);
//   digest.tags["city"];   // 32 hexadecimal digits
//
// Against accidents, not against forgery.
#ifndef THRONG_STORAGE_DIGEST_H_
#define THRONG_STORAGE_DIGEST_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "index/parallel.h"
#include "index/snapshot.h"
#include "storage/store.h"

namespace throng::storage {

// Digests bytes as they come. Not thread-safe.
class Digest {
 public:
  Digest();
  ~Digest();
  Digest(const Digest&) = delete;
  Digest& operator=(const Digest&) = delete;

  void Add(std::string_view bytes);
  void AddNumber(uint64_t number);      // fixed64
  void AddText(std::string_view text);  // its length, then its bytes
  // 32 hexadecimal digits.
  std::string Hex() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// A value; thread-compatible.
struct PopulationDigest {
  uint32_t id = 0;
  std::string name;
  uint64_t data_version = 0;
  uint64_t user_count = 0;
  std::string ids;                          // of every type, and whose they are
  std::string universe;                     // who exists
  std::map<std::string, std::string> tags;  // by name: definition, values, and who has which
  // By name: definition, versions, and who is in the newest one.
  std::map<std::string, std::string> crowds;

  bool operator==(const PopulationDigest&) const = default;
};

// Of each tag its truth is digested, a shard at a time in parallel. FORMAT.md says how.
PopulationDigest DigestOf(const Population& population, const index::Snapshot& snapshot,
                          index::Parallel& parallel);

}  // namespace throng::storage

#endif  // THRONG_STORAGE_DIGEST_H_
