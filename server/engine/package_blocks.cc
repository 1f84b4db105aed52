#include "server/engine/package_blocks.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "index/roaring_codec.h"

namespace throng::engine {
namespace {

size_t BlockBytes(PackageCompression compression) {
  return compression == PackageCompression::kNone ? kPackageBlockBytes : kPackedBlockBytes;
}

// The users of the set with ordinals of the range.
template <typename Visit>
void ForEachIn(const index::OrdinalSet& users, const PackageRange& range, Visit visit) {
  const uint64_t end = std::min(range.end, uint64_t{users.chunk_count()} << index::kChunkBits);
  for (uint64_t first = range.begin; first < end;
       first = ((first >> index::kChunkBits) + 1) << index::kChunkBits) {
    const auto chunk = static_cast<uint32_t>(first >> index::kChunkBits);
    index::ForEach(users.chunk(chunk), [&](uint32_t offset) {
      const uint64_t ordinal = uint64_t{chunk} << index::kChunkBits | offset;
      if (ordinal >= first && ordinal < end) visit(chunk, offset);
    });
  }
}

}  // namespace

std::vector<PackageRange> SplitUsers(const index::OrdinalSet& users, uint32_t parts) {
  std::vector<PackageRange> ranges(parts);
  const uint64_t total = users.cardinality();
  uint32_t part = 1;  // whose begin is looked for
  uint64_t before = 0;
  for (uint32_t chunk = 0; chunk < users.chunk_count() && part < parts; ++chunk) {
    const uint64_t behind = before + users.chunk(chunk).cardinality;
    if (total * part / parts < behind) {
      uint64_t rank = before;
      index::ForEach(users.chunk(chunk), [&](uint32_t offset) {
        for (; part < parts && total * part / parts == rank; ++part) {
          ranges[part].begin = uint64_t{chunk} << index::kChunkBits | offset;
        }
        ++rank;
      });
    }
    before = behind;
  }
  // Where there are fewer users than parts, the last ones are empty.
  for (; part < parts; ++part) ranges[part].begin = index::kOrdinalsMax;
  for (uint32_t i = 0; i + 1 < parts; ++i) ranges[i].end = ranges[i + 1].begin;
  return ranges;
}

PackageBlocks::PackageBlocks(const PackageSource& source, const PackageRange& range,
                             const PackageProgress& progress)
    : source_(source),
      range_(range),
      compression_(source.manifest.spec.compression),
      is_bitmap_(source.manifest.spec.format == PackageFormat::kRoaring32 ||
                 source.manifest.spec.format == PackageFormat::kRoaring64),
      rows_(source),
      packer_(compression_),
      position_(is_bitmap_ ? progress.position : std::max(range.begin, progress.position)),
      counts_(progress.counts),
      digest_(progress.digest),
      bytes_(progress.bytes()) {}

PackageProgress PackageBlocks::progress() const {
  return {.position = position_, .counts = counts_, .digest = digest_.state()};
}

absl::StatusOr<bool> PackageBlocks::Next(std::string* bytes) {
  bytes->clear();
  if (compression_ == PackageCompression::kNone) {
    THRONG_RETURN_IF_ERROR(AppendRaw(bytes));
    if (bytes->empty()) return false;
  } else {
    raw_.clear();
    THRONG_RETURN_IF_ERROR(AppendRaw(&raw_));
    // A packed file of nothing has one block: no bytes at all would be no such file.
    if (raw_.empty() && bytes_ > 0) return false;
    THRONG_RETURN_IF_ERROR(packer_.Pack(raw_, bytes));
  }
  digest_.Add(*bytes);
  bytes_ += bytes->size();
  return true;
}

absl::Status PackageBlocks::AppendRaw(std::string* bytes) {
  if (is_bitmap_) {
    if (!bitmap_.has_value()) THRONG_RETURN_IF_ERROR(MakeBitmap());
    const std::string_view rest = std::string_view(*bitmap_).substr(position_);
    const std::string_view part = rest.substr(0, BlockBytes(compression_));
    bytes->append(part);
    position_ += part.size();
    return absl::OkStatus();
  }
  if (bytes_ == 0) rows_.AppendHead(bytes);
  if (position_ >= range_.end) return absl::OkStatus();
  THRONG_ASSIGN_OR_RETURN(
      position_, rows_.Append(position_, range_.end, BlockBytes(compression_), bytes, &counts_));
  return absl::OkStatus();
}

absl::Status PackageBlocks::MakeBitmap() {
  std::vector<uint64_t> numbers;
  numbers.reserve(std::min<uint64_t>(source_.users->cardinality(), kBitmapIdsMax));
  uint64_t count = 0;
  ForEachIn(*source_.users, range_, [&](uint32_t chunk, uint32_t offset) {
    if (++count <= kBitmapIdsMax) {
      numbers.push_back(source_.snapshot->ids().chunk(chunk).number(offset));
    }
  });
  if (count > kBitmapIdsMax) {
    return index::WithField(
        index::LimitExceeded(absl::StatusCode::kInvalidArgument, "TOO_MANY_IDS",
                             "the number of ids in one bitmap", kBitmapIdsMax, count),
        "file_count");
  }
  if (bytes_ > 0 && counts_.rows != count) {
    return index::MakeError(absl::StatusCode::kFailedPrecondition,
                            "users of the bitmap were erased meanwhile: start again",
                            {.reason = "PACKAGE_CHANGED", .field = "resume_token"});
  }
  counts_.users = counts_.rows = count;
  if (source_.manifest.spec.format == PackageFormat::kRoaring64) {
    bitmap_ = index::EncodeNumbers(numbers);
  } else {
    absl::StatusOr<std::string> encoded = index::EncodeNumbers32(numbers);
    if (!encoded.ok()) return index::WithField(encoded.status(), "spec.format");
    bitmap_ = *std::move(encoded);
  }
  if (position_ <= bitmap_->size()) return absl::OkStatus();
  return index::InvalidArgument("BAD_RESUME_TOKEN", "resume_token", "it is beyond the bitmap");
}

}  // namespace throng::engine
