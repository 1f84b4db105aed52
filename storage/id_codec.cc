#include "storage/id_codec.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "storage/packed_ints.h"

namespace throng::storage {
namespace {

// Numbers are part of the format.
enum IdForm : uint8_t { kTexts = 0, kNumbers = 1, kNumberGaps = 2 };

bool ToNumbers(const std::vector<std::string>& ids, std::vector<uint64_t>* numbers) {
  numbers->reserve(ids.size());
  for (const std::string& id : ids) {
    const std::optional<uint64_t> number = index::CanonicalNumber(id);
    if (!number.has_value()) return false;
    numbers->push_back(*number);
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

std::vector<uint64_t> DecodeNumbers(IdForm form, size_t count, ByteReader& in) {
  if (form == kNumbers) return UnpackUnsigned(count, in);
  std::vector<uint64_t> numbers;
  const std::vector<int64_t> differences = UnpackSigned(count, in);
  numbers.reserve(differences.size());
  uint64_t number = 0;
  for (const int64_t difference : differences) {
    number += static_cast<uint64_t>(difference);
    numbers.push_back(number);
  }
  return numbers;
}

void DecodeTexts(size_t count, ByteReader& in, index::IdList* ids) {
  const std::vector<uint64_t> sizes = UnpackUnsigned(count, in);
  uint64_t total = 0;
  for (const uint64_t size : sizes) {
    if (size == 0 || size > index::kIdBytesMax || total + size > in.remaining()) in.Fail();
    if (!in.ok()) return;
    total += size;
    ids->ends.push_back(static_cast<uint32_t>(total));
  }
  ids->texts = in.Raw(total);
}

// Empty when `in` fails.
index::IdList DecodeList(size_t count, ByteReader& in) {
  index::IdList ids;
  const uint8_t form = in.U8();
  if (form == kTexts) {
    DecodeTexts(count, in, &ids);
  } else if (form == kNumbers || form == kNumberGaps) {
    ids.numbers = DecodeNumbers(static_cast<IdForm>(form), count, in);
  } else {
    in.Fail();
  }
  return in.ok() ? ids : index::IdList();
}

// What stands in the place of an erased id.
constexpr std::string_view kErasedText = "0";

// The entries of `ids` in a chunk.
uint32_t EntriesOf(const index::IdDictionary& ids, uint32_t chunk) {
  return std::min(index::kChunkSize, ids.size() - (chunk << index::kChunkBits));
}

// The list of erased ids behind `ids`, where there is one.
void ReadErased(ByteReader& in, index::IdList* ids) {
  const size_t count = in.Varint(ids->size());
  ids->erased = UnpackAscending(count, ids->size(), in);
  if (count == 0) in.Fail();
  for (const uint32_t place : ids->erased) {
    const bool is_marked =
        ids->ends.empty() ? ids->numbers[place] == 0 : ids->view(place) == kErasedText;
    if (!is_marked) in.Fail();
  }
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
  return DecodeList(count, in).ToTexts();
}

EncodedIds EncodeIdChunk(const index::IdDictionary& ids, uint32_t chunk) {
  const uint32_t count = EntriesOf(ids, chunk);
  const index::IdChunk& source = ids.chunk(chunk);
  std::vector<std::string> texts;
  std::vector<uint64_t> numbers;
  std::vector<uint32_t> erased;
  for (uint32_t i = 0; i < count; ++i) {
    if (source.erased(i)) erased.push_back(i);
    if (source.numeric()) {
      numbers.push_back(source.erased(i) ? 0 : source.number(i));
    } else {
      texts.push_back(source.erased(i) ? std::string(kErasedText) : source.text(i));
    }
  }
  ByteWriter out;
  out.Varint(count);
  if (source.numeric()) {
    EncodeNumbers(numbers, out);
  } else {
    EncodeIds(texts, out);
  }
  if (!erased.empty()) {
    out.Varint(erased.size());
    PackAscending(erased, out);
  }
  return {.payload = out.Take(), .has_erased = !erased.empty()};
}

absl::StatusOr<index::IdList> DecodeIdChunk(std::string_view payload, size_t count) {
  ByteReader in(payload);
  const size_t stored = in.Varint(index::kChunkSize);
  index::IdList ids = DecodeList(stored, in);
  if (in.ok() && in.remaining() > 0) ReadErased(in, &ids);
  if (!in.Done()) return absl::DataLossError("the ids cannot be decoded");
  if (ids.size() < count) {
    return absl::DataLossError(fmt::format("it holds {} ids of {}", ids.size(), count));
  }
  ids.Truncate(count);
  return ids;
}

std::string EncodeLinkedIds(const index::LinkedIds& linked, uint32_t chunk) {
  const uint32_t first = chunk << index::kChunkBits;
  std::vector<uint64_t> owners(EntriesOf(linked.ids(), chunk));
  for (uint32_t i = 0; i < owners.size(); ++i) {
    owners[i] = linked.ids().erased(first + i) ? 0 : linked.owner(first + i);
  }
  ByteWriter out;
  out.Varint(owners.size());
  PackUnsigned(owners, out);
  const EncodedIds ids = EncodeIdChunk(linked.ids(), chunk);
  out.U8(ids.has_erased ? 2 : 1);
  out.Raw(ids.payload);
  return out.Take();
}

absl::StatusOr<StoredLinks> DecodeLinkedIds(std::string_view payload, size_t count,
                                            uint32_t ordinal_end) {
  ByteReader in(payload);
  const std::vector<uint64_t> owners = UnpackUnsigned(in.Varint(index::kChunkSize), in);
  const uint8_t format = in.U8();
  if (!in.ok()) return absl::DataLossError("the owners of ids cannot be decoded");
  StoredLinks links;
  THRONG_ASSIGN_OR_RETURN(const index::IdList ids,
                          DecodeIdChunk(in.Raw(in.remaining()), owners.size()));
  links.ids = ids.ToTexts();
  const bool has_erased = std::any_of(links.ids.begin(), links.ids.end(),
                                      [](const std::string& id) { return id.empty(); });
  if (format != (has_erased ? 2 : 1)) return absl::DataLossError("the ids are of another format");
  if (links.ids.size() < count) {
    return absl::DataLossError(fmt::format("it holds {} ids of {}", links.ids.size(), count));
  }
  links.ids.resize(count);
  for (size_t i = 0; i < count; ++i) {
    const bool is_wrong = links.ids[i].empty() ? owners[i] != 0 : owners[i] >= ordinal_end;
    if (is_wrong) {
      return absl::DataLossError(fmt::format("id {} belongs to nobody: {}", i, owners[i]));
    }
    links.owners.push_back(static_cast<uint32_t>(owners[i]));
  }
  return links;
}

}  // namespace throng::storage
