#include "storage/crowd_codec.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "index/chunk_set.h"
#include "storage/packed_ints.h"

namespace throng::storage {
namespace {

using index::CrowdChanges;
using index::CrowdDefinition;
using index::CrowdVersion;
using index::CrowdVersionId;

// Part of the format.
enum DefinitionFlags : uint8_t { kOnline = 1, kFrozen = 2, kFixedTime = 4 };
enum VersionFlags : uint8_t { kPinned = 1, kHoldsErased = 2 };

constexpr uint64_t kNumberEnd = uint64_t{1} << 32;
constexpr uint64_t kNumbersMax = uint64_t{1} << 24;  // of one list: more than there are tags
constexpr size_t kShardsMax = index::kOrdinalsMax >> index::kShardBits;

void WriteNumbers(const std::vector<uint32_t>& numbers, ByteWriter& out) {
  out.Varint(numbers.size());
  PackAscending(numbers, out);
}

std::vector<uint32_t> ReadNumbers(ByteReader& in) {
  const uint64_t count = in.Varint(kNumbersMax);
  return in.ok() ? UnpackAscending(count, kNumberEnd, in) : std::vector<uint32_t>();
}

void WriteId(const CrowdVersionId& id, ByteWriter& out) {
  out.Varint(id.crowd);
  out.Varint(id.number);
}

CrowdVersionId ReadId(ByteReader& in) {
  CrowdVersionId id;
  id.crowd = in.Varint32();
  id.number = in.Varint32();
  return id;
}

void WriteIds(const std::vector<CrowdVersionId>& ids, ByteWriter& out) {
  out.Varint(ids.size());
  for (const CrowdVersionId& id : ids) WriteId(id, out);
}

std::vector<CrowdVersionId> ReadIds(ByteReader& in) {
  std::vector<CrowdVersionId> ids;
  const size_t count = in.Count(2);
  for (size_t i = 0; i < count && in.ok(); ++i) ids.push_back(ReadId(in));
  return ids;
}

uint8_t ReadFlags(uint8_t most, ByteReader& in) {
  const uint8_t flags = in.U8();
  if (flags > most) in.Fail();
  return flags;
}

CrowdDefinition ReadCrowdDefinition(ByteReader& in) {
  CrowdDefinition definition;
  definition.id = in.Varint32();
  definition.name = in.Text(index::kCrowdNameBytesMax);
  definition.kind = static_cast<index::CrowdKind>(in.U8());
  definition.display_name = in.Text(index::kCrowdTextBytesMax);
  definition.description = in.Text(index::kCrowdTextBytesMax);
  definition.owner = in.Text(index::kCrowdTextBytesMax);
  definition.folder = in.Text(index::kCrowdTextBytesMax);
  const size_t labels = in.Count(2);
  for (size_t i = 0; i < labels && in.ok(); ++i) {
    std::string key(in.Text(index::kCrowdLabelKeyBytesMax));
    if (!definition.labels.empty() && definition.labels.rbegin()->first >= key) in.Fail();
    definition.labels[std::move(key)] = in.Text(index::kCrowdLabelValueBytesMax);
  }
  definition.rule = in.Text(index::kCrowdRuleBytesMax);
  definition.time_zone = in.Text(index::kCrowdNameBytesMax);
  const uint8_t flags = ReadFlags(kOnline | kFrozen | kFixedTime, in);
  definition.online = (flags & kOnline) != 0;
  definition.frozen = (flags & kFrozen) != 0;
  if ((flags & kFixedTime) != 0) definition.reference_us = in.ZigZag();
  definition.references = ReadNumbers(in);
  definition.tags = ReadNumbers(in);
  definition.details = in.Text(index::kCrowdDetailsBytesMax);
  definition.revision = in.Varint();
  definition.create_us = in.ZigZag();
  definition.update_us = in.ZigZag();
  definition.delete_us = in.ZigZag();
  definition.expire_us = in.ZigZag();
  definition.keep_last = in.Varint32();
  definition.byte_budget = in.Varint();
  if (in.ok() && (definition.id == 0 || !index::Validate(definition).ok())) in.Fail();
  return definition;
}

CrowdVersion ReadCrowdVersion(ByteReader& in) {
  CrowdVersion version;
  version.number = in.Varint32();
  version.revision = in.Varint();
  version.computed_count = in.Varint(index::kOrdinalsMax);
  version.data_version = in.Varint();
  version.reference_us = in.ZigZag();
  version.create_us = in.ZigZag();
  version.previous = in.Varint32();
  version.added = in.Varint(index::kOrdinalsMax);
  version.removed = in.Varint(index::kOrdinalsMax);
  version.duration_us = in.Varint();
  version.bytes = in.Varint();
  const uint8_t flags = ReadFlags(kPinned | kHoldsErased, in);
  version.pinned = (flags & kPinned) != 0;
  version.holds_erased = (flags & kHoldsErased) != 0;
  version.tags = ReadNumbers(in);
  version.reads = ReadIds(in);
  if (version.number == 0 || version.previous >= version.number) in.Fail();
  return version;
}

}  // namespace

void WriteCrowdDefinition(const CrowdDefinition& definition, ByteWriter& out) {
  out.Varint(definition.id);
  out.Text(definition.name);
  out.U8(static_cast<uint8_t>(definition.kind));
  out.Text(definition.display_name);
  out.Text(definition.description);
  out.Text(definition.owner);
  out.Text(definition.folder);
  out.Varint(definition.labels.size());
  for (const auto& [key, value] : definition.labels) {
    out.Text(key);
    out.Text(value);
  }
  out.Text(definition.rule);
  out.Text(definition.time_zone);
  out.U8((definition.online ? kOnline : 0) | (definition.frozen ? kFrozen : 0) |
         (definition.reference_us.has_value() ? kFixedTime : 0));
  if (definition.reference_us.has_value()) out.ZigZag(*definition.reference_us);
  WriteNumbers(definition.references, out);
  WriteNumbers(definition.tags, out);
  out.Text(definition.details);
  out.Varint(definition.revision);
  out.ZigZag(definition.create_us);
  out.ZigZag(definition.update_us);
  out.ZigZag(definition.delete_us);
  out.ZigZag(definition.expire_us);
  out.Varint(definition.keep_last);
  out.Varint(definition.byte_budget);
}

void WriteCrowdVersion(const CrowdVersion& version, ByteWriter& out) {
  out.Varint(version.number);
  out.Varint(version.revision);
  out.Varint(version.computed_count);
  out.Varint(version.data_version);
  out.ZigZag(version.reference_us);
  out.ZigZag(version.create_us);
  out.Varint(version.previous);
  out.Varint(version.added);
  out.Varint(version.removed);
  out.Varint(version.duration_us);
  out.Varint(version.bytes);
  out.U8((version.pinned ? kPinned : 0) | (version.holds_erased ? kHoldsErased : 0));
  WriteNumbers(version.tags, out);
  WriteIds(version.reads, out);
}

std::string EncodeCrowd(const StoredCrowd& crowd) {
  ByteWriter out;
  WriteCrowdDefinition(crowd.definition, out);
  out.Varint(crowd.versions.size());
  for (const CrowdVersion& version : crowd.versions) WriteCrowdVersion(version, out);
  return out.Take();
}

absl::StatusOr<StoredCrowd> DecodeCrowd(std::string_view payload) {
  ByteReader in(payload);
  StoredCrowd crowd;
  crowd.definition = ReadCrowdDefinition(in);
  const size_t count = in.Count(14);
  for (size_t i = 0; i < count && in.ok(); ++i) {
    crowd.versions.push_back(ReadCrowdVersion(in));
    if (i > 0 && crowd.versions[i - 1].number >= crowd.versions[i].number) in.Fail();
  }
  if (!in.Done()) return absl::DataLossError("the crowd cannot be decoded");
  return crowd;
}

std::string EncodeCrowdSetHeader(const CrowdSetHeader& header) {
  ByteWriter out;
  out.Varint(header.erased_through);
  out.Varint(header.cardinalities.size());
  PackUnsigned(std::vector<uint64_t>(header.cardinalities.begin(), header.cardinalities.end()),
               out);
  return out.Take();
}

absl::StatusOr<CrowdSetHeader> DecodeCrowdSetHeader(std::string_view payload) {
  ByteReader in(payload);
  CrowdSetHeader header;
  header.erased_through = in.Varint();
  const uint64_t count = in.Varint(kShardsMax);
  for (const uint64_t cardinality : UnpackUnsigned(count, in)) {
    if (cardinality > index::kShardSize) in.Fail();
    header.cardinalities.push_back(static_cast<uint32_t>(cardinality));
  }
  const bool ends_empty = !header.cardinalities.empty() && header.cardinalities.back() == 0;
  if (!in.Done() || ends_empty) return absl::DataLossError("the header cannot be decoded");
  return header;
}

void WriteCrowdChanges(const CrowdChanges& changes, ByteWriter& out) {
  out.Varint(changes.definitions.size());
  for (const CrowdDefinition& definition : changes.definitions) {
    WriteCrowdDefinition(definition, out);
  }
  out.Varint(changes.versions.size());
  for (const index::NewCrowdVersion& added : changes.versions) {
    out.Varint(added.crowd);
    WriteCrowdVersion(added.version, out);
  }
  WriteIds(changes.pinned, out);
  WriteIds(changes.unpinned, out);
  WriteIds(changes.dropped, out);
  WriteNumbers(changes.purged, out);
}

CrowdChanges ReadCrowdChanges(ByteReader& in) {
  CrowdChanges changes;
  const size_t definitions = in.Count(22);
  for (size_t i = 0; i < definitions && in.ok(); ++i) {
    changes.definitions.push_back(ReadCrowdDefinition(in));
  }
  const size_t versions = in.Count(15);
  for (size_t i = 0; i < versions && in.ok(); ++i) {
    index::NewCrowdVersion added;
    added.crowd = in.Varint32();
    added.version = ReadCrowdVersion(in);
    changes.versions.push_back(std::move(added));
  }
  changes.pinned = ReadIds(in);
  changes.unpinned = ReadIds(in);
  changes.dropped = ReadIds(in);
  changes.purged = ReadNumbers(in);
  return changes;
}

}  // namespace throng::storage
