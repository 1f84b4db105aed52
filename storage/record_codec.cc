#include "storage/record_codec.h"

#include <algorithm>
#include <utility>

#include "fmt/format.h"
#include "storage/catalogue_codec.h"
#include "storage/codec.h"
#include "storage/crowd_codec.h"
#include "storage/id_codec.h"
#include "storage/packed_ints.h"
#include "storage/record_check.h"

namespace throng::storage {
namespace {

using index::CommitRecord;
using index::NewValues;
using index::RequestRecord;
using index::TagChange;

// Which lists of a TagChange follow. Part of the format.
enum ChangeParts : uint8_t { kCells = 1, kCleared = 2, kLabels = 4 };

void WriteValues(const NewValues& added, ByteWriter& out) {
  out.Varint(added.tag);
  out.Varint(added.first_code);
  out.Varint(added.values.size());
  for (const std::string& value : added.values) out.Text(value);
}

NewValues ReadValues(ByteReader& in) {
  NewValues added;
  added.tag = in.Varint32();
  added.first_code = in.Varint32();
  const size_t count = in.Count(1);
  for (size_t i = 0; i < count && in.ok(); ++i) {
    added.values.emplace_back(in.Text(index::kTagValueBytesMax));
  }
  return added;
}

void WriteLabels(const TagChange& change, ByteWriter& out) {
  std::vector<uint64_t> counts;
  counts.reserve(change.label_ends.size());
  uint32_t begin = 0;
  for (const uint32_t end : change.label_ends) counts.push_back(end - std::exchange(begin, end));
  PackUnsigned(counts, out);
  PackUnsigned(std::vector<uint64_t>(change.label_changes.begin(), change.label_changes.end()),
               out);
  out.Bits(change.replaced);
}

void ReadLabels(ByteReader& in, TagChange* change) {
  const size_t count = change->ordinals.size();
  uint64_t end = 0;
  change->label_ends.reserve(count);
  for (const uint64_t labels : UnpackUnsigned(count, in)) {
    if (labels >= UINT32_MAX - end) {
      in.Fail();
      return;
    }
    end += labels;
    change->label_ends.push_back(static_cast<uint32_t>(end));
  }
  const std::vector<uint64_t> labels = UnpackUnsigned(end, in);
  change->label_changes.reserve(labels.size());
  for (const uint64_t label : labels) {
    if (label > UINT32_MAX) in.Fail();
    change->label_changes.push_back(static_cast<uint32_t>(label));
  }
  change->replaced = in.Bits(count);
}

void WriteChange(const TagChange& change, ByteWriter& out) {
  out.Varint(change.tag);
  out.Varint(change.ordinals.size());
  if (change.ordinals.empty()) return;
  out.U8((change.cells.empty() ? 0 : kCells) | (change.cleared.empty() ? 0 : kCleared) |
         (change.label_ends.empty() ? 0 : kLabels));
  PackAscending(change.ordinals, out);
  if (!change.cells.empty()) PackSigned(change.cells, out);
  if (!change.cleared.empty()) out.Bits(change.cleared);
  if (!change.label_ends.empty()) WriteLabels(change, out);
}

TagChange ReadChange(ByteReader& in) {
  TagChange change;
  change.tag = in.Varint32();
  const uint64_t count = in.Varint(index::kOrdinalsMax);
  if (count == 0) return change;
  const uint8_t parts = in.U8();
  if (parts > (kCells | kCleared | kLabels)) in.Fail();
  change.ordinals = UnpackAscending(count, index::kOrdinalsMax, in);
  if ((parts & kCells) != 0 && in.ok()) change.cells = UnpackSigned(count, in);
  if ((parts & kCleared) != 0 && in.ok()) change.cleared = in.Bits(count);
  if ((parts & kLabels) != 0 && in.ok()) ReadLabels(in, &change);
  return change;
}

void WriteRequest(const RequestRecord& request, ByteWriter& out) {
  out.Text(request.scope);
  out.Text(request.request_id);
  out.Fixed64(request.payload_hash);
  out.Text(request.response);
}

RequestRecord ReadRequest(ByteReader& in) {
  RequestRecord request;
  request.scope = in.Text(kScopeBytesMax);
  request.request_id = in.Text(kRequestIdBytesMax);
  request.payload_hash = in.Fixed64();
  request.response = in.Text(kResponseBytesMax);
  return request;
}

void WriteFlip(const Flip& flip, ByteWriter& out) {
  out.Varint(flip.tag);
  WriteStamps(flip.stamps, out);
}

Flip ReadFlip(ByteReader& in) {
  Flip flip;
  flip.tag = in.Varint32();
  flip.stamps = ReadStamps(in);
  return flip;
}

template <typename Item, typename Write>
void WriteList(const std::vector<Item>& items, Write write, ByteWriter& out) {
  out.Varint(items.size());
  for (const Item& item : items) write(item, out);
}

// Items of at least `bytes_each` bytes.
template <typename Item, typename Read>
std::vector<Item> ReadList(size_t bytes_each, Read read, ByteReader& in) {
  std::vector<Item> items;
  const size_t count = in.Count(bytes_each);
  for (size_t i = 0; i < count && in.ok(); ++i) items.push_back(read(in));
  return items;
}

void WriteLinks(const index::IdLinks& links, ByteWriter& out) {
  out.Varint(links.id_type);
  out.Varint(links.first_entry);
  out.Varint(links.ids.size());
  PackUnsigned(std::vector<uint64_t>(links.owners.begin(), links.owners.end()), out);
  EncodeIds(links.ids, out);
}

index::IdLinks ReadLinks(ByteReader& in) {
  index::IdLinks links;
  links.id_type = in.Varint32();
  links.first_entry = static_cast<uint32_t>(in.Varint(index::kOrdinalsMax));
  const size_t count = in.Varint(index::kOrdinalsMax);
  for (const uint64_t owner : UnpackUnsigned(count, in)) {
    if (owner >= index::kOrdinalsMax) in.Fail();
    links.owners.push_back(static_cast<uint32_t>(owner));
  }
  if (in.ok()) links.ids = DecodeIds(count, in);
  return links;
}

void WriteDropped(const index::DroppedValues& dropped, ByteWriter& out) {
  out.Varint(dropped.tag);
  out.Varint(dropped.codes.size());
  PackAscending(dropped.codes, out);
}

index::DroppedValues ReadDropped(ByteReader& in) {
  index::DroppedValues dropped;
  dropped.tag = in.Varint32();
  const size_t count = in.Varint(index::kTagValuesMax);
  dropped.codes = UnpackAscending(count, index::kTagValuesMax, in);
  return dropped;
}

// A flip belongs to one of the record's definitions, and each to another one.
bool FlipsFit(const LoggedRecord& logged) {
  std::vector<uint32_t> tags;
  for (const Flip& flip : logged.flips) {
    tags.push_back(flip.tag);
    if (std::none_of(logged.record.definitions.begin(), logged.record.definitions.end(),
                     [&](const index::TagDefinition& d) { return d.id == flip.tag; })) {
      return false;
    }
  }
  std::sort(tags.begin(), tags.end());
  return std::adjacent_find(tags.begin(), tags.end()) == tags.end();
}

}  // namespace

uint8_t RecordFormat(const CommitRecord& record) {
  const bool has_freshness =
      std::any_of(record.definitions.begin(), record.definitions.end(),
                  [](const index::TagDefinition& tag) { return tag.freshness_s > 0; });
  if (has_freshness) return 4;
  if (!record.crowds.empty()) return 3;
  const bool is_old = record.id_types.empty() && record.links.empty() &&
                      record.erased_users.empty() && record.dropped_values.empty() &&
                      record.ledger_end == 0;
  return is_old ? 1 : 2;
}

std::string EncodeRecord(const LoggedRecord& logged) {
  return EncodeRecord(logged.record, logged.flips);
}

std::string EncodeRecord(const CommitRecord& record, const std::vector<Flip>& flips) {
  ByteWriter out;
  out.Varint(record.version);
  out.ZigZag(record.time_us);
  WriteList(record.definitions, WriteDefinition, out);
  WriteList(flips, WriteFlip, out);
  WriteList(record.new_values, WriteValues, out);
  out.Varint(record.first_ordinal);
  out.Varint(record.new_users.size());
  if (!record.new_users.empty()) EncodeIds(record.new_users, out);
  WriteList(record.tag_changes, WriteChange, out);
  WriteList(record.requests, WriteRequest, out);
  if (RecordFormat(record) == 1) return out.Take();
  WriteList(record.id_types, WriteIdType, out);
  WriteList(record.links, WriteLinks, out);
  out.Varint(record.erased_users.size());
  PackAscending(record.erased_users, out);
  WriteList(record.dropped_values, WriteDropped, out);
  out.Varint(record.ledger_end);
  if (!record.crowds.empty()) WriteCrowdChanges(record.crowds, out);
  return out.Take();
}

absl::StatusOr<LoggedRecord> DecodeRecord(std::string_view bytes) {
  ByteReader in(bytes);
  LoggedRecord logged;
  CommitRecord& record = logged.record;
  record.version = in.Varint();
  record.time_us = in.ZigZag();
  record.definitions = ReadList<index::TagDefinition>(14, ReadDefinition, in);
  logged.flips = ReadList<Flip>(2, ReadFlip, in);
  record.new_values = ReadList<NewValues>(3, ReadValues, in);
  record.first_ordinal = static_cast<uint32_t>(in.Varint(index::kOrdinalsMax));
  const size_t users = in.Varint(index::kOrdinalsMax);
  if (users > 0) record.new_users = DecodeIds(users, in);
  record.tag_changes = ReadList<TagChange>(2, ReadChange, in);
  record.requests = ReadList<RequestRecord>(11, ReadRequest, in);
  if (in.ok() && in.remaining() > 0) {
    record.id_types = ReadList<index::IdTypeDefinition>(4, ReadIdType, in);
    record.links = ReadList<index::IdLinks>(4, ReadLinks, in);
    const size_t erased = in.Varint(index::kOrdinalsMax);
    record.erased_users = UnpackAscending(erased, index::kOrdinalsMax, in);
    record.dropped_values = ReadList<index::DroppedValues>(2, ReadDropped, in);
    record.ledger_end = in.Varint();
    const bool has_crowds = in.ok() && in.remaining() > 0;
    if (has_crowds) record.crowds = ReadCrowdChanges(in);
    if (RecordFormat(record) == 1 || has_crowds == record.crowds.empty()) in.Fail();
  }
  if (!in.Done()) return absl::DataLossError("the record cannot be decoded");
  if (const absl::Status shape = CheckShape(record); !shape.ok()) {
    return absl::DataLossError(
        fmt::format("the record is inconsistent: {}",
                    std::string_view(shape.message().data(), shape.message().size())));
  }
  if (!FlipsFit(logged)) return absl::DataLossError("the record flips a tag it does not define");
  return logged;
}

}  // namespace throng::storage
