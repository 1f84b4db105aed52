#include "query/statistics_collector.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <type_traits>

#include "fmt/format.h"
#include "index/chunk_ops.h"
#include "index/error.h"
#include "index/multiversion.h"
#include "index/word_kernels.h"
#include "query/column_bounds.h"
#include "query/column_codes.h"

namespace throng::query {
namespace {

using index::ChunkSet;
using index::kChunkSize;
using index::kWordsPerChunk;

// Adds the `size` codes, at most a chunk's, from `data` on. One loop a figure: each is then as wide
// as it must be when it is vectorised. "No value" less one is the largest number there is, and no
// code less one, so that the least needs no test.
template <typename Code>
inline __attribute__((always_inline)) void AddAll(const uint8_t* data, uint32_t size,
                                                  index::CodeSums* totals) {
  // 65,536 codes of 2 bytes sum up to less than 2^32.
  using Sum = std::conditional_t<(sizeof(Code) <= 2), uint32_t, uint64_t>;
  Code min_distance = std::numeric_limits<Code>::max();
  Code max_code = 0;
  for (uint32_t i = 0; i < size; ++i) {
    const Code code = LoadCode<Code>(data, i);
    min_distance = std::min(min_distance, static_cast<Code>(code - 1));
    max_code = std::max(max_code, code);
  }
  if (max_code == 0) return;
  Sum sum = 0;
  for (uint32_t i = 0; i < size; ++i) {
    sum += static_cast<Sum>(LoadCode<Code>(data, i) & std::numeric_limits<uint32_t>::max());
  }
  Sum count = 0;
  for (uint32_t i = 0; i < size; ++i) count += LoadCode<Code>(data, i) != 0 ? 1 : 0;
  if constexpr (sizeof(Code) == 8) {
    for (uint32_t i = 0; i < size; ++i) totals->high_sum += LoadCode<Code>(data, i) >> 32;
  }
  totals->low_sum += sum;
  totals->count += count;
  totals->min_distance = std::min(totals->min_distance, uint64_t{min_distance});
  totals->max_code = std::max(totals->max_code, uint64_t{max_code});
}

// What members read one by one add; in registers while a chunk is walked.
template <typename Code>
struct OneByOne {
  uint64_t count = 0;
  uint64_t low_sum = 0;
  uint64_t high_sum = 0;
  Code min_distance = std::numeric_limits<Code>::max();
  Code max_code = 0;

  inline __attribute__((always_inline)) void Add(Code code) {
    count += code != 0 ? 1 : 0;
    low_sum += code & std::numeric_limits<uint32_t>::max();
    if constexpr (sizeof(Code) == 8) high_sum += code >> 32;
    min_distance = std::min(min_distance, static_cast<Code>(code - 1));
    max_code = std::max(max_code, code);
  }
  inline __attribute__((always_inline)) void AddTo(index::CodeSums* totals) const {
    if (count == 0) return;
    totals->count += count;
    totals->low_sum += low_sum;
    totals->high_sum += high_sum;
    totals->min_distance = std::min(totals->min_distance, uint64_t{min_distance});
    totals->max_code = std::max(totals->max_code, uint64_t{max_code});
  }
};

// The users of the chunk after this one, whose codes are asked for while this one's are added:
// their waits for memory then overlap, and with whatever is done between the two chunks.
struct Ahead {
  const uint8_t* codes = nullptr;
  size_t width = 0;
  const uint16_t* offsets = nullptr;
  uint32_t size = 0;

  inline __attribute__((always_inline)) void Ask(uint32_t i) const {
    __builtin_prefetch(codes + offsets[i] * width, 0, 2);
  }
};

template <typename Code>
inline __attribute__((always_inline)) void AddArray(const uint8_t* data, const uint16_t* offsets,
                                                    uint32_t size, const Ahead& ahead,
                                                    index::CodeSums* totals) {
  OneByOne<Code> one_by_one;
  const uint32_t both = std::min(size, ahead.size);
  for (uint32_t i = 0; i < both; ++i) {
    ahead.Ask(i);
    one_by_one.Add(LoadCode<Code>(data, offsets[i]));
  }
  for (uint32_t i = both; i < ahead.size; ++i) ahead.Ask(i);
  for (uint32_t i = both; i < size; ++i) one_by_one.Add(LoadCode<Code>(data, offsets[i]));
  one_by_one.AddTo(totals);
}

// The kernel of the codes' width: index/word_kernels.h.
template <typename Code>
index::SumFunction SumMembers() {
  const index::WordKernels& kernels = index::Kernels();
  if constexpr (sizeof(Code) == 1) return kernels.sum_members1;
  if constexpr (sizeof(Code) == 2) return kernels.sum_members2;
  if constexpr (sizeof(Code) == 4) return kernels.sum_members4;
  if constexpr (sizeof(Code) == 8) return kernels.sum_members8;
}

template <typename Code>
inline __attribute__((always_inline)) void AddSet(const uint8_t* data, const ChunkSet& users,
                                                  const uint8_t* next, index::CodeSums* totals) {
  switch (users.kind) {
    case index::SetKind::kEmpty:
      return;
    case index::SetKind::kArray:
      AddArray<Code>(data, users.array, users.size, {}, totals);
      return;
    case index::SetKind::kBitset:
      SumMembers<Code>()(data, users.words, next, kAheadBytes, totals);
      return;
    case index::SetKind::kRuns:
      for (uint32_t i = 0; i < users.size; ++i) {
        const index::Run run = users.runs[i];
        AddAll<Code>(data + size_t{run.first} * sizeof(Code), uint32_t{run.last} - run.first + 1,
                     totals);
      }
      return;
    case index::SetKind::kFull:
      AddAll<Code>(data, kChunkSize, totals);
      return;
  }
}

THRONG_MULTIVERSION void AddSet1(const uint8_t* data, const ChunkSet& users, const uint8_t* next,
                                 index::CodeSums* totals) {
  AddSet<uint8_t>(data, users, next, totals);
}
THRONG_MULTIVERSION void AddSet2(const uint8_t* data, const ChunkSet& users, const uint8_t* next,
                                 index::CodeSums* totals) {
  AddSet<uint16_t>(data, users, next, totals);
}
THRONG_MULTIVERSION void AddSet4(const uint8_t* data, const ChunkSet& users, const uint8_t* next,
                                 index::CodeSums* totals) {
  AddSet<uint32_t>(data, users, next, totals);
}
THRONG_MULTIVERSION void AddSet8(const uint8_t* data, const ChunkSet& users, const uint8_t* next,
                                 index::CodeSums* totals) {
  AddSet<uint64_t>(data, users, next, totals);
}

index::CodeSums TotalsOf(const index::ColumnBlock& block, const ChunkSet& users,
                         const uint8_t* next) {
  index::CodeSums totals;
  switch (block.width()) {
    case 1:
      AddSet1(block.codes(), users, next, &totals);
      break;
    case 2:
      AddSet2(block.codes(), users, next, &totals);
      break;
    case 4:
      AddSet4(block.codes(), users, next, &totals);
      break;
    case 8:
      AddSet8(block.codes(), users, next, &totals);
      break;
  }
  return totals;
}

index::CodeSums TotalsOfArray(const index::ColumnBlock& block, const uint16_t* offsets,
                              uint32_t size, const Ahead& ahead) {
  index::CodeSums totals;
  switch (block.width()) {
    case 1:
      AddArray<uint8_t>(block.codes(), offsets, size, ahead, &totals);
      break;
    case 2:
      AddArray<uint16_t>(block.codes(), offsets, size, ahead, &totals);
      break;
    case 4:
      AddArray<uint32_t>(block.codes(), offsets, size, ahead, &totals);
      break;
    case 8:
      AddArray<uint64_t>(block.codes(), offsets, size, ahead, &totals);
      break;
  }
  return totals;
}

// A member looked up by itself takes about as long as this many bytes of all codes.
constexpr uint32_t kBytesAMember = 200;

// Whether the members are better looked up one by one.
bool IsFew(const ChunkSet& users, int width) {
  if (users.kind == index::SetKind::kArray) return users.size <= index::kArrayMax;
  return users.kind == index::SetKind::kBitset &&
         users.cardinality <= kChunkSize / kBytesAMember * static_cast<uint32_t>(width);
}

}  // namespace

struct StatisticsCollector::Partial {
  uint64_t with_value = 0;
  absl::int128 total = 0;
  int64_t min = std::numeric_limits<int64_t>::max();
  int64_t max = std::numeric_limits<int64_t>::min();

  void Add(int64_t value) {
    ++with_value;
    total += value;
    min = std::min(min, value);
    max = std::max(max, value);
  }
  void Add(const index::CodeSums& totals, int64_t base) {
    if (totals.count == 0) return;
    with_value += totals.count;
    total += (absl::int128(totals.high_sum) << 32) + absl::int128(totals.low_sum) +
             absl::int128(totals.count) * (absl::int128(base) - 1);
    const auto distance_from = static_cast<uint64_t>(base);
    min = std::min(min, static_cast<int64_t>(distance_from + totals.min_distance));
    max = std::max(max, static_cast<int64_t>(distance_from + totals.max_code - 1));
  }
  void Add(const Partial& other) {
    with_value += other.with_value;
    total += other.total;
    min = std::min(min, other.min);
    max = std::max(max, other.max);
  }
};

// Few users of a chunk: their codes are asked for at once, and added when the next chunk's are
// asked for, or at the end.
struct StatisticsCollector::Waiting {
  const index::ColumnBlock* block = nullptr;  // null: nothing waits
  uint32_t size = 0;
  alignas(64) uint16_t offsets[index::kArrayMax];
};

struct StatisticsCollector::PerTag {
  Partial partial;
  Waiting waiting[2];  // in turn
  uint32_t turn = 0;

  void Wait(const index::ColumnBlock& block, const ChunkSet& users) {
    Waiting& next = waiting[turn];
    next.block = &block;
    next.size = index::ToArray(users, next.offsets);
    turn ^= 1;  // to the one that has been waiting
    AddWaiting({.codes = block.codes(),
                .width = static_cast<size_t>(block.width()),
                .offsets = next.offsets,
                .size = next.size});
  }
  void Finish() {
    turn ^= 1;
    AddWaiting({});
  }
  // Adds the codes that were asked for before, and asks for those `ahead`.
  void AddWaiting(const Ahead& ahead) {
    Waiting& before = waiting[turn];
    if (before.block == nullptr) {
      for (uint32_t i = 0; i < ahead.size; ++i) ahead.Ask(i);
      return;
    }
    partial.Add(TotalsOfArray(*before.block, before.offsets, before.size, ahead),
                before.block->base());
    before.block = nullptr;
  }
};

// Apart from each other in memory: threads do not wait for each other's cache lines.
struct alignas(64) StatisticsCollector::Worker {
  uint64_t users = 0;
  std::vector<PerTag> tags;
  index::ChunkScratch scratch;
};

absl::StatusOr<int64_t> TagStatistics::Sum() const {
  if (total < std::numeric_limits<int64_t>::min() || total > std::numeric_limits<int64_t>::max()) {
    return index::MakeError(
        absl::StatusCode::kOutOfRange,
        fmt::format("the sum of \"{}\" over {} users is beyond 64 bits", tag, with_value),
        {.reason = "SUM_OUT_OF_RANGE"});
  }
  return static_cast<int64_t>(total);
}

std::optional<double> TagStatistics::Average() const {
  if (with_value == 0) return std::nullopt;
  return static_cast<double>(total) / static_cast<double>(with_value);
}

StatisticsCollector::StatisticsCollector(const index::Snapshot& snapshot,
                                         const std::vector<uint32_t>& tags)
    : snapshot_(snapshot), tags_(tags) {}

StatisticsCollector::~StatisticsCollector() = default;

void StatisticsCollector::Start(uint32_t workers, uint32_t /*chunks*/) {
  for (uint32_t i = 0; i < workers; ++i) {
    workers_.push_back(std::make_unique<Worker>());
    workers_.back()->tags = std::vector<PerTag>(tags_.size());
  }
}

uint64_t StatisticsCollector::BytesAChunk() const {
  uint64_t bytes = 0;
  for (uint32_t tag : tags_) bytes += CodeBytesAChunk(snapshot_, tag);
  return bytes;
}

void StatisticsCollector::Collect(uint32_t chunk, const ChunkSet& users, uint32_t worker_number) {
  Worker& worker = *workers_[worker_number];
  worker.users += users.cardinality;
  for (size_t i = 0; i < tags_.size(); ++i) {
    const index::TagShard* shard = snapshot_.shard(tags_[i], chunk / index::kChunksPerShard);
    if (shard == nullptr || shard->column == nullptr) continue;
    CollectTag(*shard->column, chunk % index::kChunksPerShard, users, worker.scratch,
               &worker.tags[i]);
  }
}

void StatisticsCollector::CollectTag(const index::ColumnShard& column, uint32_t chunk,
                                     const ChunkSet& users, index::ChunkScratch& scratch,
                                     PerTag* tag) {
  Partial* partial = &tag->partial;
  const std::span<const index::Cell> delta = column.delta(chunk);
  for (const index::Cell& cell : delta) {
    if (cell.present && index::Contains(users, cell.offset & index::kChunkMask)) {
      partial->Add(cell.value);
    }
  }
  const index::ColumnBlock* block = column.block(chunk).get();
  if (block == nullptr) return;
  const ChunkSet outside_delta = delta.empty() ? users : WithoutDelta(users, delta, scratch);
  if (block->codes() != nullptr) {
    if (IsFew(outside_delta, block->width())) {
      tag->Wait(*block, outside_delta);
    } else {
      partial->Add(TotalsOf(*block, outside_delta, NextCodes(column, chunk)), block->base());
    }
    block->VisitExceptions(outside_delta, [&](int64_t value) { partial->Add(value); });
    return;
  }
  index::ForEach(outside_delta, [&](uint32_t offset) {
    if (const std::optional<int64_t> value = block->Get(offset)) partial->Add(*value);
  });
}

std::vector<TagStatistics> StatisticsCollector::Finish() const {
  std::vector<TagStatistics> merged;
  for (size_t i = 0; i < tags_.size(); ++i) {
    Partial partial;
    uint64_t users = 0;
    for (const std::unique_ptr<Worker>& worker : workers_) {
      users += worker->users;
      worker->tags[i].Finish();
      partial.Add(worker->tags[i].partial);
    }
    TagStatistics& tag = merged.emplace_back();
    tag.tag = snapshot_.catalogue().FindById(tags_[i])->definition.name;
    tag.users = users;
    tag.with_value = partial.with_value;
    tag.total = partial.total;
    if (partial.with_value == 0) continue;
    tag.min = partial.min;
    tag.max = partial.max;
  }
  return merged;
}

}  // namespace throng::query
