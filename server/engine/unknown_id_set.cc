#include "server/engine/unknown_id_set.h"

#include <algorithm>
#include <utility>

#include "index/error.h"
#include "index/id_chunk.h"
#include "index/id_hash.h"

namespace throng::engine {
namespace {

static_assert(index::kIdBytesMax < 256, "a length is one byte");

// Calls visit(id) for each id of a part.
template <typename Visit>
void ForEachId(std::string_view bytes, Visit visit) {
  for (size_t at = 0; at < bytes.size();) {
    const size_t length = static_cast<uint8_t>(bytes[at]);
    visit(bytes.substr(at + 1, length));
    at += 1 + length;
  }
}

// The part's ids in order of (hash, id), each once, as a part; `distinct` is told how many.
std::string Sorted(std::string_view bytes, uint64_t* distinct) {
  struct Entry {
    uint64_t hash;
    std::string_view id;
  };
  std::vector<Entry> entries;
  ForEachId(bytes, [&](std::string_view id) { entries.push_back({index::IdHash(id), id}); });
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return a.hash != b.hash ? a.hash < b.hash : a.id < b.id;
  });
  std::string sorted;
  sorted.reserve(bytes.size());
  const std::string_view* last = nullptr;
  for (const Entry& entry : entries) {
    if (last != nullptr && *last == entry.id) continue;
    last = &entry.id;
    sorted.push_back(static_cast<char>(entry.id.size()));
    sorted.append(entry.id);
    ++*distinct;
  }
  return sorted;
}

}  // namespace

absl::Status UnknownIdSet::Add(uint64_t hash, std::string_view id) {
  if (added_ >= ids_max_) {
    return index::LimitExceeded(absl::StatusCode::kResourceExhausted, "TOO_MANY_LISTED_IDS",
                                "the number of ids that are nobody's (are they of another type?)",
                                ids_max_, added_ + 1);
  }
  ++added_;
  std::string& buffer = parts_[hash >> 56].buffer;
  buffer.push_back(static_cast<char>(id.size()));
  buffer.append(id);
  buffer_bytes_ += 1 + id.size();
  return buffer_bytes_ < buffer_bytes_max_ ? absl::OkStatus() : Spill();
}

absl::Status UnknownIdSet::Spill() {
  for (Part& part : parts_) {
    if (part.buffer.empty()) continue;
    THRONG_ASSIGN_OR_RETURN(const uint64_t place, spill_.Append(part.buffer));
    part.spilled.push_back({place, part.buffer.size()});
    // Its memory goes too: buffers double, and all of them at once would be twice the bound.
    part.buffer = std::string();
  }
  buffer_bytes_ = 0;
  return absl::OkStatus();
}

absl::Status UnknownIdSet::ReadPart(const Part& part, std::string* bytes) const {
  bytes->clear();
  for (const Extent& extent : part.spilled) {
    THRONG_RETURN_IF_ERROR(spill_.Read(extent.place, extent.bytes, bytes));
  }
  bytes->append(part.buffer);
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> UnknownIdSet::Settle() {
  uint64_t distinct = 0;
  std::string bytes;
  for (Part& part : parts_) {
    THRONG_RETURN_IF_ERROR(ReadPart(part, &bytes));
    std::string sorted = Sorted(bytes, &distinct);
    if (part.spilled.empty()) {
      part.buffer = std::move(sorted);
      continue;
    }
    // What fits goes where the part stood; the rest, of the buffer, behind the others.
    std::string_view rest = sorted;
    for (Extent& extent : part.spilled) {
      extent.bytes = std::min(extent.bytes, rest.size());
      THRONG_RETURN_IF_ERROR(spill_.Overwrite(extent.place, rest.substr(0, extent.bytes)));
      rest.remove_prefix(extent.bytes);
    }
    part.buffer = std::string(rest);
  }
  return distinct;
}

absl::Status UnknownIdSet::ForEach(const Visit& visit) const {
  std::string bytes;
  for (const Part& part : parts_) {
    THRONG_RETURN_IF_ERROR(ReadPart(part, &bytes));
    absl::Status status;
    ForEachId(bytes, [&](std::string_view id) {
      if (status.ok()) status = visit(index::IdHash(id), id);
    });
    THRONG_RETURN_IF_ERROR(status);
  }
  return absl::OkStatus();
}

}  // namespace throng::engine
