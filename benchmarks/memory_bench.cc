// What bitmaps take in memory, against the same sets as serialized Roaring bitmaps.
//
//   memory_bench --users=4000000 --seed=1 --layout=compact
//
// Populations: the renters of bench_population.h, and tags of which every user has one of V values,
// strewn at random or in stretches of about 200 neighbours. Whole bitmaps, run-optimised, are what
// is serialized. Every byte of Throng's side is counted (index/memory_use.h), and nothing but
// bitmaps: those of values, of who has the tag, and of who exists.
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "benchmarks/bench_population.h"
#include "benchmarks/flags.h"
#include "benchmarks/random.h"
#include "benchmarks/reference.h"
#include "fmt/format.h"
#include "index/chunk_ops.h"
#include "index/layout.h"
#include "index/memory_use.h"
#include "index/parallel.h"
#include "index/snapshot.h"
#include "roaring/roaring.h"

namespace throng::bench {
namespace {

constexpr uint32_t kStretch = 200;

// Serialized bytes of the bitmap whose shards `shard_of` gives.
size_t SerializedBytes(uint32_t shards,
                       const std::function<index::BitmapShardRef(uint32_t shard)>& shard_of) {
  const Roaring bitmap(roaring_bitmap_create());
  auto scratch = std::make_unique<index::ChunkScratch>();
  std::vector<uint32_t> members;
  for (uint32_t s = 0; s < shards; ++s) {
    const index::BitmapShardRef shard = shard_of(s);
    for (uint32_t chunk = 0; shard && chunk < index::kChunksPerShard; ++chunk) {
      members.clear();
      const uint32_t first = s << index::kShardBits | chunk << index::kChunkBits;
      index::ForEach(shard->Load(chunk, *scratch),
                     [&](uint32_t offset) { members.push_back(first | offset); });
      roaring_bitmap_add_many(bitmap.get(), members.size(), members.data());
    }
  }
  if (roaring_bitmap_is_empty(bitmap.get())) return 0;
  roaring_bitmap_run_optimize(bitmap.get());
  return roaring_bitmap_portable_size_in_bytes(bitmap.get());
}

size_t SerializedBytes(const index::TagContent& content) {
  const auto shards = static_cast<uint32_t>(content.shards.size());
  size_t codes = 0;
  for (const index::TagShardRef& shard : content.shards) {
    if (shard != nullptr) codes = std::max(codes, shard->values.size());
  }
  size_t bytes = SerializedBytes(shards, [&](uint32_t s) {
    const index::TagShard* shard = content.shard(s);
    return shard == nullptr ? index::BitmapShardRef() : shard->exists;
  });
  for (size_t code = 0; code < codes; ++code) {
    bytes += SerializedBytes(shards, [&](uint32_t s) {
      const index::TagShard* shard = content.shard(s);
      return shard == nullptr ? index::BitmapShardRef() : shard->values[code];
    });
  }
  return bytes;
}

void Print(std::string_view name, const index::Snapshot& snapshot) {
  const index::BitmapMemory memory = index::MemoryOf(snapshot).bitmaps;
  size_t serialized = 0;
  for (const index::TagContentRef& content : snapshot.contents()) {
    if (content != nullptr) serialized += SerializedBytes(*content);
  }
  const auto mb = [](size_t bytes) { return static_cast<double>(bytes) / 1e6; };
  fmt::print("{:<28} {:>9.2f} {:>9.2f} {:>6.2f}x   {:>8} {:>8} {:>8} {:>8}\n", name,
             mb(memory.total()), mb(serialized), mb(memory.total()) / mb(serialized),
             memory.arrays.count, memory.bitsets.count, memory.runs.count, memory.small.count);
  std::fflush(stdout);
}

// A LABELS tag, which has bitmaps and no column; every user has one of `values` values.
index::Snapshot OneTag(uint32_t users, uint32_t values, bool in_stretches, uint64_t seed) {
  Random random(seed);
  index::TagContentRef content;
  uint32_t code = 0;
  uint32_t left = 0;
  for (uint32_t first = 0; first < users; first += index::kShardSize) {
    index::TagChange change;
    for (uint32_t user = first; user < std::min(users, first + index::kShardSize); ++user) {
      if (left == 0) {
        code = static_cast<uint32_t>(random.Next() % values);
        left = in_stretches ? 1 + static_cast<uint32_t>(random.Next() % (2 * kStretch)) : 1;
      }
      --left;
      change.ordinals.push_back(user);
      change.label_changes.push_back(code << 1 | 1);
      change.label_ends.push_back(static_cast<uint32_t>(change.label_changes.size()));
      change.replaced.push_back(true);
    }
    content = index::ApplyToContent(content, index::TagType::kLabels, change, first + 1);
  }
  const auto entry = std::make_shared<index::TagEntry>(
      index::TagEntry{.definition = {.id = 1, .name = "tag", .type = index::TagType::kLabels},
                      .values = std::make_shared<const index::ValueDictionary>()});
  return index::Snapshot(1, index::Catalogue().With(entry), {}, {nullptr, content});
}

void Run(uint32_t users, uint64_t seed) {
  fmt::print("{:<28} {:>9} {:>9} {:>7}   {:>8} {:>8} {:>8} {:>8}\n", "population", "MB", "Roaring",
             "ratio", "arrays", "bitsets", "runs", "small");
  {
    index::Parallel parallel(1);
    BenchPopulation population = MakeBenchPopulation(users, seed, parallel);
    population.columns.clear();
    Print("renters", *population.snapshot);
  }
  for (const bool in_stretches : {false, true}) {
    for (const uint32_t values : {2, 10, 20, 30, 40, 60, 100, 300, 1'000, 3'000, 10'000, 60'000}) {
      Print(fmt::format("{} values{}", values, in_stretches ? ", in stretches" : ""),
            OneTag(users, values, in_stretches, seed));
    }
  }
}

}  // namespace
}  // namespace throng::bench

int main(int argc, char** argv) {
  using throng::bench::TakeNumber;
  using throng::bench::TakeText;
  const auto users = static_cast<uint32_t>(TakeNumber(&argc, argv, "users", 4'000'000));
  const uint64_t seed = TakeNumber(&argc, argv, "seed", 1);
  const std::string layout = TakeText(&argc, argv, "layout").value_or("speed");
  if (argc != 1 || (layout != "speed" && layout != "compact")) {
    fmt::print(stderr, "usage: memory_bench [--users=N] [--seed=N] [--layout=speed|compact]\n");
    return 2;
  }
  if (layout == "compact") throng::index::SetLayout(throng::index::Layout::kCompact);
  throng::bench::Run(users, seed);
  return 0;
}
