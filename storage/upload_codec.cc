#include "storage/upload_codec.h"

#include <utility>

#include "index/id_chunk.h"
#include "index/id_hash.h"
#include "storage/codec.h"

namespace throng::storage {
namespace {

// Part of the format.
enum RecordFlags : uint8_t { kKeepsUnknown = 1 };
enum IdFlags : uint8_t { kUnmatched = 1, kKept = 2 };

constexpr size_t kIdTypeNameBytesMax = 128;

void WriteRecord(const UploadRecord& record, ByteWriter& out) {
  out.U8(static_cast<uint8_t>(record.mode));
  out.U8(record.keeps_unknown ? kKeepsUnknown : 0);
  out.Text(record.id_type);
  for (const uint64_t number :
       {record.received, record.matched, record.duplicate, record.unknown, record.invalid}) {
    out.Varint(number);
  }
  out.ZigZag(record.start_us);
}

UploadRecord ReadRecord(ByteReader& in) {
  UploadRecord record;
  const uint8_t mode = in.U8();
  if (mode < 1 || mode > static_cast<uint8_t>(UploadMode::kRefresh)) in.Fail();
  record.mode = static_cast<UploadMode>(mode);
  const uint8_t flags = in.U8();
  if (flags > kKeepsUnknown) in.Fail();
  record.keeps_unknown = flags != 0;
  record.id_type = in.Text(kIdTypeNameBytesMax);
  for (uint64_t* number :
       {&record.received, &record.matched, &record.duplicate, &record.unknown, &record.invalid}) {
    *number = in.Varint(kUploadReceivedMax);
  }
  record.start_us = in.ZigZag();
  return record;
}

}  // namespace

uint64_t StoredUpload::kept() const {
  uint64_t sum = 0;
  for (const UploadPart& part : parts) sum += part.kept;
  return sum;
}

uint64_t StoredUpload::unmatched() const {
  uint64_t sum = 0;
  for (const UploadPart& part : parts) sum += part.unmatched;
  return sum;
}

std::string EncodeUploadHeader(const StoredUpload& upload) {
  ByteWriter out;
  WriteRecord(upload.record, out);
  out.Varint(upload.parts.size());
  for (const UploadPart& part : upload.parts) {
    out.Fixed64(part.first_hash);
    for (const uint32_t number : {part.count, part.unmatched, part.kept}) out.Varint(number);
  }
  out.Varint(upload.refused_parts.size());
  for (const uint32_t count : upload.refused_parts) out.Varint(count);
  return out.Take();
}

absl::StatusOr<StoredUpload> DecodeUploadHeader(std::string_view payload) {
  ByteReader in(payload);
  StoredUpload upload;
  upload.record = ReadRecord(in);
  const size_t parts = in.Count(11);
  for (size_t i = 0; i < parts && in.ok(); ++i) {
    UploadPart part;
    part.first_hash = in.Fixed64();
    for (uint32_t* number : {&part.count, &part.unmatched, &part.kept}) *number = in.Varint32();
    if (part.unmatched > part.count || part.kept > part.count) in.Fail();
    if (i > 0 && upload.parts.back().first_hash >= part.first_hash) in.Fail();
    upload.parts.push_back(part);
  }
  const size_t refused = in.Count(1);
  for (size_t i = 0; i < refused && in.ok(); ++i) {
    upload.refused_parts.push_back(static_cast<uint32_t>(in.Varint(kUploadRefusedMax)));
  }
  if (!in.Done()) return absl::DataLossError("the header of the upload cannot be decoded");
  return upload;
}

std::string EncodeListedIds(std::span<const ListedId> ids) {
  ByteWriter out;
  out.Varint(ids.size());
  for (const ListedId& id : ids) {
    const uint8_t flags = (id.is_unmatched ? kUnmatched : 0) | (id.is_kept ? kKept : 0);
    out.Varint(uint64_t{id.id_type} << 2 | flags);
    out.Text(id.text);
  }
  return out.Take();
}

absl::StatusOr<ListedIds> DecodeListedIds(std::string_view payload) {
  ListedIds listed;
  listed.texts = std::make_shared<const std::string>(payload);
  ByteReader in(*listed.texts);
  const size_t count = in.Count(3);
  listed.ids.reserve(count);
  for (size_t i = 0; i < count && in.ok(); ++i) {
    const uint64_t head = in.Varint((uint64_t{index::kIdTypesMax} << 2) | 3);
    ListedId id{.id_type = static_cast<uint32_t>(head >> 2),
                .is_unmatched = (head & kUnmatched) != 0,
                .is_kept = (head & kKept) != 0,
                .text = in.Text(index::kIdBytesMax)};
    id.hash = index::IdHash(id.text);
    if (id.text.empty() || (head & 3) == 0) in.Fail();
    if (!listed.ids.empty() && !(listed.ids.back() < id)) in.Fail();
    listed.ids.push_back(id);
  }
  if (!in.Done()) return absl::DataLossError("the ids of the upload cannot be decoded");
  return listed;
}

std::string EncodeRefusedIds(std::span<const RefusedId> refused) {
  ByteWriter out;
  out.Varint(refused.size());
  for (const RefusedId& id : refused) {
    out.Varint(id.position);
    out.U8(static_cast<uint8_t>(id.fault));
    out.Text(id.text);
  }
  return out.Take();
}

absl::StatusOr<std::vector<RefusedId>> DecodeRefusedIds(std::string_view payload) {
  ByteReader in(payload);
  std::vector<RefusedId> refused;
  const size_t count = in.Count(3);
  for (size_t i = 0; i < count && in.ok(); ++i) {
    RefusedId id;
    id.position = in.Varint(kUploadReceivedMax);
    const uint8_t fault = in.U8();
    if (fault < 1 || fault > static_cast<uint8_t>(index::IdFault::kInvalidUtf8)) in.Fail();
    id.fault = static_cast<index::IdFault>(fault);
    id.text = in.Text(kUploadRefusedBytesMax);
    if (!refused.empty() && refused.back().position >= id.position) in.Fail();
    refused.push_back(std::move(id));
  }
  if (!in.Done()) return absl::DataLossError("what the upload refused cannot be decoded");
  return refused;
}

UploadPart PartOf(uint64_t first_hash, std::span<const ListedId> ids) {
  UploadPart part{.first_hash = first_hash, .count = static_cast<uint32_t>(ids.size())};
  for (const ListedId& id : ids) {
    if (id.is_unmatched) ++part.unmatched;
    if (id.is_kept) ++part.kept;
  }
  return part;
}

}  // namespace throng::storage
