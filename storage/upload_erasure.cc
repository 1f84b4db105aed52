#include "storage/upload_erasure.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "index/error.h"
#include "index/id_fault.h"
#include "index/id_hash.h"
#include "storage/envelope.h"
#include "storage/record_codec.h"
#include "storage/upload_blocks.h"

namespace throng::storage {
namespace {

using index::CrowdVersionId;
using index::Snapshot;

// The texts of ids, of any type, of users who were erased, with the data version of that.
class ErasedTexts final : public Unwanted {
 public:
  ErasedTexts(const Snapshot& snapshot, const Snapshot* folded)
      : snapshot_(snapshot), folded_(folded), types_(snapshot.catalogue().id_types()) {}

  // What the record gave to users who are erased by now, and whom it erases. In order of version.
  void Take(const index::CommitRecord& record) {
    for (uint32_t i = 0; i < record.new_users.size(); ++i) {
      Note(record.first_ordinal + i, record.new_users[i]);
    }
    for (const index::IdLinks& links : record.links) {
      for (size_t i = 0; i < links.ids.size(); ++i) Note(links.owners[i], links.ids[i]);
    }
    for (const uint32_t ordinal : record.erased_users) {
      if (folded_ != nullptr) TakeFolded(ordinal, record.version);
      for (const std::string& text : since_[ordinal]) Add(text, record.version);
      since_.erase(ordinal);
    }
  }
  // Once, before anybody asks.
  void Settle() {
    for (const auto& [text, version] : texts_) hashes_.push_back(index::IdHash(text));
    std::sort(hashes_.begin(), hashes_.end());
  }
  bool empty() const { return texts_.empty(); }

  const std::vector<uint64_t>& hashes() const override { return hashes_; }
  // What was looked up after the erasure was uploaded after it, by somebody who has the id.
  bool Has(std::string_view id, uint64_t data_version) const override {
    const auto it = texts_.find(std::string(id));
    return it != texts_.end() && it->second > data_version;
  }
  // What is no id of one type may be one of another.
  bool HasRefused(std::string_view text, uint64_t data_version) const override {
    static const index::IdTypeDefinition kTrimmed{.normalizers = {index::IdNormalizer::kTrim}};
    const auto has = [&](const index::IdTypeDefinition& type) {
      std::string kept;
      return index::NormalizeInto(type, text, &kept) == index::IdFault::kNone &&
             Has(kept, data_version);
    };
    return Has(text, data_version) || has(kTrimmed) ||
           std::any_of(types_.begin(), types_.end(), has);
  }

 private:
  void Add(std::string text, uint64_t version) {
    if (!text.empty()) texts_[std::move(text)] = version;
  }
  void Note(uint32_t ordinal, const std::string& text) {
    if (snapshot_.ids().erased(ordinal)) since_[ordinal].push_back(text);
  }
  // What the user had when the snapshot was folded.
  void TakeFolded(uint32_t ordinal, uint64_t version) {
    if (ordinal >= folded_->ids().size()) return;
    Add(folded_->ids().text(ordinal), version);
    for (const index::LinkedIdsRef& linked : folded_->identity().linked) {
      if (linked == nullptr) continue;
      for (std::string& id : linked->IdsOf(ordinal)) Add(std::move(id), version);
    }
  }

  const Snapshot& snapshot_;
  const Snapshot* const folded_;
  const std::vector<index::IdTypeDefinition> types_;
  absl::flat_hash_map<uint32_t, std::vector<std::string>> since_;  // by ordinal
  absl::flat_hash_map<std::string, uint64_t> texts_;
  std::vector<uint64_t> hashes_;  // ascending
};

struct Uploaded {
  CrowdVersionId id;
  uint64_t data_version = 0;
};

std::vector<Uploaded> UploadsOf(const Snapshot& snapshot) {
  std::vector<Uploaded> uploads;
  for (const auto& [crowd, entry] : snapshot.crowds().by_id()) {
    if (entry->definition->kind != index::CrowdKind::kUpload) continue;
    for (const index::CrowdVersion& version : *entry->versions) {
      uploads.push_back({{crowd, version.number}, version.data_version});
    }
  }
  return uploads;
}

}  // namespace

absl::Status EraseFromUploadLists(Database& database, uint32_t population, const Snapshot& snapshot,
                                  const Snapshot* folded, uint64_t folded_version) {
  const std::vector<Uploaded> uploads = UploadsOf(snapshot);
  if (uploads.empty()) return absl::OkStatus();
  ErasedTexts texts(snapshot, folded);
  RangeScan scan = database.Scan(Family::kLog, {LogKey(population, folded_version + 1),
                                                LogKey(population, snapshot.data_version() + 1)});
  for (; scan.Valid(); scan.Next()) {
    THRONG_ASSIGN_OR_RETURN(const std::string_view payload,
                            Unseal(Kind::kRecord, Family::kLog, scan.key(), scan.value()));
    const absl::StatusOr<LoggedRecord> logged = DecodeRecord(payload);
    if (!logged.ok()) return DamagedAt(Family::kLog, scan.key(), "the record cannot be decoded");
    texts.Take(logged->record);
  }
  THRONG_RETURN_IF_ERROR(scan.status());
  if (texts.empty()) return absl::OkStatus();
  texts.Settle();
  for (const Uploaded& upload : uploads) {
    THRONG_RETURN_IF_ERROR(
        TakeFromUploadList(database, population, upload.id, upload.data_version, texts));
  }
  return absl::OkStatus();
}

}  // namespace throng::storage
