#include "storage/id_codec.h"

#include <algorithm>
#include <utility>

#include "fmt/format.h"
#include "storage/packed_ints.h"

namespace throng::storage {
namespace {

// Numbers are part of the format.
enum IdForm : uint8_t { kTexts = 0, kNumbers = 1, kNumberGaps = 2 };

bool ToNumbers(const std::vector<std::string>& ids, std::vector<uint64_t>* numbers) {
  numbers->reserve(ids.size());
  for (const std::string& id : ids) {
    const index::IdKey key = index::MakeIdKey(id);
    if (!key.number.has_value()) return false;
    numbers->push_back(*key.number);
  }
  return true;
}

void EncodeNumbers(const std::vector<uint64_t>& numbers, ByteWriter& out) {
  ByteWriter packed;
  PackUnsigned(numbers, packed);
  ByteWriter gaps;
  std::vector<int64_t> differences;
  differences.reserve(numbers.size());
  uint64_t before = 0;
  for (const uint64_t number : numbers) {
    differences.push_back(static_cast<int64_t>(number - std::exchange(before, number)));
  }
  PackSigned(differences, gaps);
  const bool use_gaps = gaps.bytes().size() < packed.bytes().size();
  out.U8(use_gaps ? kNumberGaps : kNumbers);
  out.Raw(use_gaps ? gaps.bytes() : packed.bytes());
}

std::vector<std::string> DecodeNumbers(IdForm form, size_t count, ByteReader& in) {
  std::vector<std::string> ids;
  if (form == kNumbers) {
    const std::vector<uint64_t> numbers = UnpackUnsigned(count, in);
    ids.reserve(numbers.size());
    for (const uint64_t number : numbers) ids.push_back(std::to_string(number));
    return ids;
  }
  const std::vector<int64_t> differences = UnpackSigned(count, in);
  ids.reserve(differences.size());
  uint64_t number = 0;
  for (const int64_t difference : differences) {
    number += static_cast<uint64_t>(difference);
    ids.push_back(std::to_string(number));
  }
  return ids;
}

std::vector<std::string> DecodeTexts(size_t count, ByteReader& in) {
  const std::vector<uint64_t> sizes = UnpackUnsigned(count, in);
  std::vector<std::string> ids;
  if (sizes.size() > in.remaining()) in.Fail();  // an id has a byte or more
  if (!in.ok()) return ids;
  ids.reserve(sizes.size());
  for (const uint64_t size : sizes) {
    if (size == 0 || size > index::kIdBytesMax) in.Fail();
    ids.emplace_back(in.Raw(size));
    if (!in.ok()) return {};
  }
  return ids;
}

}  // namespace

void EncodeIds(const std::vector<std::string>& ids, ByteWriter& out) {
  std::vector<uint64_t> numbers;
  if (ToNumbers(ids, &numbers)) {
    EncodeNumbers(numbers, out);
    return;
  }
  out.U8(kTexts);
  std::vector<uint64_t> sizes;
  sizes.reserve(ids.size());
  for (const std::string& id : ids) sizes.push_back(id.size());
  PackUnsigned(sizes, out);
  for (const std::string& id : ids) out.Raw(id);
}

std::vector<std::string> DecodeIds(size_t count, ByteReader& in) {
  const uint8_t form = in.U8();
  if (form == kTexts) return DecodeTexts(count, in);
  if (form == kNumbers || form == kNumberGaps) {
    return DecodeNumbers(static_cast<IdForm>(form), count, in);
  }
  in.Fail();
  return {};
}

std::string EncodeIdChunk(const index::IdDictionary& ids, uint32_t chunk) {
  const uint32_t first = chunk << index::kChunkBits;
  const uint32_t count = std::min(index::kChunkSize, ids.size() - first);
  const index::IdChunk& source = ids.chunk(chunk);
  std::vector<std::string> texts;
  texts.reserve(count);
  for (uint32_t i = 0; i < count; ++i) texts.push_back(source.text(i));
  ByteWriter out;
  out.Varint(count);
  EncodeIds(texts, out);
  return out.Take();
}

absl::StatusOr<std::vector<std::string>> DecodeIdChunk(std::string_view payload, size_t count) {
  ByteReader in(payload);
  const size_t stored = in.Varint(index::kChunkSize);
  std::vector<std::string> ids = DecodeIds(stored, in);
  if (!in.Done()) return absl::DataLossError("the ids cannot be decoded");
  if (ids.size() < count) {
    return absl::DataLossError(fmt::format("it holds {} ids of {}", ids.size(), count));
  }
  ids.resize(count);
  return ids;
}

}  // namespace throng::storage
