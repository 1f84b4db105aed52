#include "storage/upload_erasure.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "index/error.h"
#include "index/id_hash.h"
#include "index/id_type.h"
#include "storage/envelope.h"
#include "storage/record_codec.h"
#include "storage/upload_blocks.h"

namespace throng::storage {
namespace {

using index::CrowdVersionId;
using index::Snapshot;

// The texts of ids, of any type, of users who were erased.
class ErasedTexts final : public Unwanted {
 public:
  explicit ErasedTexts(const Snapshot& snapshot) : types_(snapshot.catalogue().id_types()) {}

  void Add(std::string text) {
    if (!text.empty()) texts_.insert(std::move(text));
  }
  void Seal() {
    for (const std::string& text : texts_) hashes_.push_back(index::IdHash(text));
    std::sort(hashes_.begin(), hashes_.end());
  }
  bool empty() const { return texts_.empty(); }

  const std::vector<uint64_t>& hashes() const override { return hashes_; }
  bool Has(std::string_view id) const override { return texts_.contains(std::string(id)); }
  // What is no id of one type may be one of another.
  bool HasRefused(std::string_view text) const override {
    if (Has(text)) return true;
    static const index::IdTypeDefinition kTrimmed{.normalizers = {index::IdNormalizer::kTrim}};
    std::string kept;
    if (index::NormalizeInto(kTrimmed, text, &kept) == index::IdFault::kNone && Has(kept)) {
      return true;
    }
    return std::any_of(types_.begin(), types_.end(), [&](const index::IdTypeDefinition& type) {
      return index::NormalizeInto(type, text, &kept) == index::IdFault::kNone && Has(kept);
    });
  }

 private:
  const std::vector<index::IdTypeDefinition> types_;
  absl::flat_hash_set<std::string> texts_;
  std::vector<uint64_t> hashes_;  // ascending
};

std::vector<CrowdVersionId> UploadsOf(const Snapshot& snapshot) {
  std::vector<CrowdVersionId> ids;
  for (const auto& [crowd, entry] : snapshot.crowds().by_id()) {
    if (entry->definition->kind != index::CrowdKind::kUpload) continue;
    for (const index::CrowdVersion& version : *entry->versions) {
      ids.push_back({crowd, version.number});
    }
  }
  return ids;
}

// What the users had when the snapshot was folded.
void AddIdsOf(const Snapshot& folded, const std::vector<uint32_t>& ordinals, ErasedTexts* texts) {
  for (const uint32_t ordinal : ordinals) {
    if (ordinal >= folded.ids().size()) continue;
    texts->Add(folded.ids().text(ordinal));
    for (const index::LinkedIdsRef& linked : folded.identity().linked) {
      if (linked == nullptr) continue;
      for (std::string& id : linked->IdsOf(ordinal)) texts->Add(std::move(id));
    }
  }
}

// What the record gave to users who are erased by now, and what those whom it erases had.
void AddIdsOf(const Snapshot& snapshot, const Snapshot* folded, const index::CommitRecord& record,
              ErasedTexts* texts) {
  for (uint32_t i = 0; i < record.new_users.size(); ++i) {
    if (snapshot.ids().erased(record.first_ordinal + i)) texts->Add(record.new_users[i]);
  }
  for (const index::IdLinks& links : record.links) {
    for (size_t i = 0; i < links.ids.size(); ++i) {
      if (snapshot.ids().erased(links.owners[i])) texts->Add(links.ids[i]);
    }
  }
  if (folded != nullptr) AddIdsOf(*folded, record.erased_users, texts);
}

}  // namespace

absl::Status EraseFromUploadLists(Database& database, uint32_t population,
                                  const Snapshot& snapshot, const Snapshot* folded,
                                  uint64_t folded_version) {
  const std::vector<CrowdVersionId> uploads = UploadsOf(snapshot);
  if (uploads.empty()) return absl::OkStatus();
  ErasedTexts texts(snapshot);
  RangeScan scan =
      database.Scan(Family::kLog, {LogKey(population, folded_version + 1),
                                   LogKey(population, snapshot.data_version() + 1)});
  for (; scan.Valid(); scan.Next()) {
    THRONG_ASSIGN_OR_RETURN(const std::string_view payload,
                            Unseal(Kind::kRecord, Family::kLog, scan.key(), scan.value()));
    const absl::StatusOr<LoggedRecord> logged = DecodeRecord(payload);
    if (!logged.ok()) return DamagedAt(Family::kLog, scan.key(), "the record cannot be decoded");
    AddIdsOf(snapshot, folded, logged->record, &texts);
  }
  THRONG_RETURN_IF_ERROR(scan.status());
  if (texts.empty()) return absl::OkStatus();
  texts.Seal();
  for (const CrowdVersionId& id : uploads) {
    THRONG_RETURN_IF_ERROR(TakeFromUploadList(database, population, id, texts));
  }
  return absl::OkStatus();
}

}  // namespace throng::storage
