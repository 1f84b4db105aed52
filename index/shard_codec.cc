#include "index/shard_codec.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <memory>
#include <vector>

#include "fmt/format.h"
#include "index/chunk_ops.h"

namespace throng::index {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are copied as they are");

// Of the format.
constexpr uint32_t kCookieNoRuns = 12346;
constexpr uint32_t kCookieRuns = 12347;
constexpr uint32_t kOffsetsFrom = 4;  // so many containers have offsets even with the second cookie
constexpr uint32_t kArrayEnd = 4096;  // containers of more members are bitsets, or runs
constexpr size_t kBitsetBytes = sizeof(ChunkWords);

enum class Form : uint8_t { kArray, kBitset, kRuns };

struct Container {
  uint16_t chunk = 0;
  Form form = Form::kArray;
  uint32_t cardinality = 0;
  std::string bytes;
};

template <typename T>
void Append(T value, std::string* out) {
  out->append(reinterpret_cast<const char*>(&value), sizeof(value));
}

template <typename Visit>
void ForEachRun(const ChunkSet& set, Visit visit) {
  if (set.kind == SetKind::kRuns) {
    for (uint32_t i = 0; i < set.size; ++i) visit(set.runs[i].first, set.runs[i].last);
    return;
  }
  if (set.kind == SetKind::kFull) return visit(uint16_t{0}, static_cast<uint16_t>(kChunkSize - 1));
  uint32_t first = 0;
  uint32_t next = 0;  // behind the run so far
  bool any = false;
  ForEach(set, [&](uint32_t offset) {
    if (any && offset == next) {
      ++next;
      return;
    }
    if (any) visit(static_cast<uint16_t>(first), static_cast<uint16_t>(next - 1));
    any = true;
    first = offset;
    next = offset + 1;
  });
  if (any) visit(static_cast<uint16_t>(first), static_cast<uint16_t>(next - 1));
}

size_t CountRuns(const ChunkSet& set) {
  size_t runs = 0;
  if (set.kind == SetKind::kBitset) {
    uint64_t carry = 0;  // the bit before this word
    for (uint32_t w = 0; w < kWordsPerChunk; ++w) {
      const uint64_t word = set.words[w];
      runs += static_cast<size_t>(std::popcount(word & ~(word << 1 | carry)));
      carry = word >> 63;
    }
    return runs;
  }
  ForEachRun(set, [&](uint16_t, uint16_t) { ++runs; });
  return runs;
}

Container MakeContainer(uint32_t chunk, const ChunkSet& set) {
  Container made{.chunk = static_cast<uint16_t>(chunk), .cardinality = set.cardinality};
  const size_t plain_bytes = set.cardinality <= kArrayEnd ? set.cardinality * 2 : kBitsetBytes;
  const size_t runs = CountRuns(set);
  if (2 + runs * 4 < plain_bytes) {
    made.form = Form::kRuns;
    made.bytes.reserve(2 + runs * 4);
    Append(static_cast<uint16_t>(runs), &made.bytes);
    ForEachRun(set, [&](uint16_t first, uint16_t last) {
      Append(first, &made.bytes);
      Append(static_cast<uint16_t>(last - first), &made.bytes);
    });
    return made;
  }
  made.bytes.resize(plain_bytes);
  if (set.cardinality <= kArrayEnd) {
    std::array<uint16_t, kArrayEnd> array;
    ToArray(set, array.data());
    std::memcpy(made.bytes.data(), array.data(), plain_bytes);
    return made;
  }
  made.form = Form::kBitset;
  ChunkWords words;
  CopyTo(set, words.words);
  std::memcpy(made.bytes.data(), words.words, plain_bytes);
  return made;
}

// Reads numbers off the front; zeros where nothing is left, which ok() tells.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  bool ok() const { return ok_; }
  bool done() const { return ok_ && rest_.empty(); }
  size_t remaining() const { return rest_.size(); }
  template <typename T>
  T Number() {
    T value = 0;
    Copy(&value, sizeof(value));
    return value;
  }
  // `to` gets `bytes` bytes, or stays as it is.
  void Copy(void* to, size_t bytes) {
    ok_ = ok_ && rest_.size() >= bytes;
    if (!ok_) return;
    std::memcpy(to, rest_.data(), bytes);
    rest_.remove_prefix(bytes);
  }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

// What the header says of a container.
struct Description {
  uint32_t chunk = 0;
  uint32_t cardinality = 0;
  bool has_runs = false;
};

// Why the header is none; empty if it is one.
std::string_view ReadHeader(Reader& in, std::vector<Description>* found,
                            std::vector<uint32_t>* offsets) {
  const auto cookie = in.Number<uint32_t>();
  const bool has_runs = (cookie & 0xffff) == kCookieRuns;
  uint32_t count = has_runs ? (cookie >> 16) + 1 : 0;
  if (cookie == kCookieNoRuns) count = in.Number<uint32_t>();
  if (!in.ok() || (!has_runs && cookie != kCookieNoRuns)) return "not a portable bitmap";
  if (count > kChunksPerShard) return "more chunks than a shard has";
  std::array<uint8_t, kChunksPerShard / 8> with_runs{};
  if (has_runs) in.Copy(with_runs.data(), (count + 7) / 8);
  if (has_runs && count % 8 != 0 && with_runs[count / 8] >> count % 8 != 0) {
    return "runs of a container that is not there";
  }
  for (uint32_t i = 0; i < count; ++i) {
    Description& one = found->emplace_back();
    one.chunk = in.Number<uint16_t>();
    one.cardinality = uint32_t{in.Number<uint16_t>()} + 1;
    one.has_runs = (with_runs[i / 8] >> i % 8 & 1) != 0;
    if (one.chunk >= kChunksPerShard) return "an offset beyond its shard";
    if (i > 0 && one.chunk <= (*found)[i - 1].chunk) return "chunks that do not ascend";
  }
  if (!has_runs || count >= kOffsetsFrom) {
    for (uint32_t i = 0; i < count; ++i) offsets->push_back(in.Number<uint32_t>());
  }
  return in.ok() ? "" : "the header is cut off";
}

// Makes blocks of containers.
class BlockReader {
 public:
  // Why the container is none; empty if `block` has it.
  std::string_view Read(const Description& one, Reader& in, BlockRef* block) {
    if (one.has_runs) return ReadRuns(one, in, block);
    if (one.cardinality > kArrayEnd) {
      in.Copy(scratch_->bits.words, kBitsetBytes);
      if (!in.ok()) return "it is cut off";
      if (CountBits(scratch_->bits.words) != one.cardinality) return "a wrong cardinality";
      *block = MakeBlock(ChunkSet::Bitset(scratch_->bits.words, one.cardinality));
      return "";
    }
    uint16_t* const values = scratch_->array.values;
    in.Copy(values, one.cardinality * sizeof(uint16_t));
    if (!in.ok()) return "it is cut off";
    bool ascends = true;
    for (uint32_t i = 1; i < one.cardinality; ++i) ascends &= values[i - 1] < values[i];
    if (!ascends) return "an array that does not ascend";
    *block = MakeBlock(ChunkSet::Array(values, one.cardinality));
    return "";
  }

 private:
  std::string_view ReadRuns(const Description& one, Reader& in, BlockRef* block) {
    const uint32_t count = in.Number<uint16_t>();
    if (count == 0 || in.remaining() < count * 4) return "it is cut off";
    runs_.clear();
    uint32_t cardinality = 0;
    uint32_t least = 0;  // where the next run may begin: runs do not touch
    for (uint32_t i = 0; i < count; ++i) {
      const uint32_t first = in.Number<uint16_t>();
      const uint32_t last = first + in.Number<uint16_t>();
      if (first < least || last >= kChunkSize) return "runs that do not ascend";
      runs_.push_back({static_cast<uint16_t>(first), static_cast<uint16_t>(last)});
      cardinality += last - first + 1;
      least = last + 2;
    }
    if (cardinality != one.cardinality) return "a wrong cardinality";
    *block = MakeBlock(ChunkSet::Runs(runs_.data(), count, cardinality));
    return "";
  }

  const std::unique_ptr<ChunkScratch> scratch_ = std::make_unique<ChunkScratch>();
  std::vector<Run> runs_;
};

absl::Status Damaged(std::string_view why) {
  return absl::DataLossError(fmt::format("damaged bitmap: {}", why));
}

}  // namespace

std::string EncodeShard(const BitmapShardRef& shard) {
  std::vector<Container> containers;
  auto scratch = std::make_unique<ChunkScratch>();
  size_t bytes = 0;
  bool has_runs = false;
  for (uint32_t chunk = 0; chunk < kChunksPerShard; ++chunk) {
    const ChunkSet set = Load(shard, chunk, *scratch);
    if (set.empty()) continue;
    containers.push_back(MakeContainer(chunk, set));
    bytes += containers.back().bytes.size();
    has_runs = has_runs || containers.back().form == Form::kRuns;
  }
  const auto count = static_cast<uint32_t>(containers.size());
  std::string out;
  out.reserve(bytes + 8 + count * 8 + 2);
  if (has_runs) {
    Append(kCookieRuns | (count - 1) << 16, &out);
    std::string with_runs((count + 7) / 8, '\0');
    for (uint32_t i = 0; i < count; ++i) {
      if (containers[i].form == Form::kRuns) with_runs[i / 8] |= static_cast<char>(1 << i % 8);
    }
    out += with_runs;
  } else {
    Append(kCookieNoRuns, &out);
    Append(count, &out);
  }
  for (const Container& container : containers) {
    Append(container.chunk, &out);
    Append(static_cast<uint16_t>(container.cardinality - 1), &out);
  }
  if (!has_runs || count >= kOffsetsFrom) {
    auto offset = static_cast<uint32_t>(out.size() + count * sizeof(uint32_t));
    for (const Container& container : containers) {
      Append(offset, &out);
      offset += static_cast<uint32_t>(container.bytes.size());
    }
  }
  for (const Container& container : containers) out += container.bytes;
  return out;
}

absl::StatusOr<BitmapShardRef> DecodeShard(std::string_view bytes) {
  Reader in(bytes);
  std::vector<Description> containers;
  std::vector<uint32_t> offsets;
  std::string_view fault = ReadHeader(in, &containers, &offsets);
  if (!fault.empty()) return Damaged(fault);
  std::array<BlockRef, kChunksPerShard> blocks;
  BlockReader reader;
  for (size_t i = 0; i < containers.size(); ++i) {
    if (!offsets.empty() && offsets[i] != bytes.size() - in.remaining()) {
      return Damaged("a container that is not where its offset says");
    }
    fault = reader.Read(containers[i], in, &blocks[containers[i].chunk]);
    if (!fault.empty()) return Damaged(fault);
  }
  if (!in.done()) return Damaged("bytes behind its end");
  return MakeBitmapShard(blocks);
}

}  // namespace throng::index
