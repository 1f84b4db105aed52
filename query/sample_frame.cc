#include "query/sample_frame.h"

#include <algorithm>
#include <utility>

#include "fmt/format.h"
#include "index/id_hash.h"

namespace throng::query {
namespace {

// One to one, so that no two chunks have the same. Source: G. L. Steele, D. Lea, C. H. Flood, "Fast
// splittable pseudorandom number generators", OOPSLA 2014 (splitmix64).
uint64_t Mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

// The chunks of the least of random numbers: a larger sample holds a smaller one.
void PickChunks(const index::Snapshot& snapshot, uint64_t seed, uint32_t count,
                std::vector<uint32_t> all, SampleFrame* frame) {
  const auto rank = [&](uint32_t chunk) {
    return Mix(seed + (uint64_t{chunk} + 1) * 0x9e3779b97f4a7c15ULL);
  };
  std::nth_element(all.begin(), all.begin() + (count - 1), all.end(),
                   [&](uint32_t a, uint32_t b) { return rank(a) < rank(b); });
  all.resize(count);
  std::sort(all.begin(), all.end());
  for (const uint32_t chunk : all) {
    const uint64_t users = UsersOfChunk(snapshot, chunk);
    frame->looked_at += users;
    frame->squares += users * users;
  }
  frame->chunks = std::move(all);
}

}  // namespace

uint32_t UsersOfChunk(const index::Snapshot& snapshot, uint32_t chunk) {
  const index::TagShard* universe =
      snapshot.shard(index::kUniverseTag, chunk / index::kChunksPerShard);
  if (universe == nullptr || !universe->values[0]) return 0;
  return universe->values[0]->ChunkCardinality(chunk % index::kChunksPerShard);
}

SampleFrame PickSample(const index::Snapshot& snapshot, const SampleSpec& spec) {
  SampleFrame frame{.users = snapshot.user_count()};
  std::vector<uint32_t> all;
  for (uint32_t chunk = 0; chunk < snapshot.shard_count() * index::kChunksPerShard; ++chunk) {
    const uint64_t users = UsersOfChunk(snapshot, chunk);
    if (users == 0) continue;
    all.push_back(chunk);
    frame.largest = std::max(frame.largest, users);
  }
  frame.chunk_count = static_cast<uint32_t>(all.size());
  const auto count = static_cast<uint32_t>(
      (uint64_t{frame.chunk_count} * spec.millionths + kSampleWhole / 2) / kSampleWhole);
  const std::string salt = fmt::format("throng sample {}", spec.salt);
  frame.by_chunks = count >= kSampleChunksMin;
  if (frame.by_chunks) {
    PickChunks(snapshot, index::SaltHash(salt), count, std::move(all), &frame);
  } else {
    // As sample() does.
    frame.buckets = {index::SaltHash(salt), salt, 0, spec.millionths};
  }
  return frame;
}

}  // namespace throng::query
