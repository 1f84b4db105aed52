#include "index/crowd.h"

#include <algorithm>
#include <functional>

#include "fmt/format.h"
#include "index/error.h"
#include "index/utf8.h"

namespace throng::index {
namespace {

absl::Status Wrong(std::string_view field, std::string_view message) {
  return InvalidArgument("BAD_CROWD", fmt::format("crowd.{}", field), message);
}

absl::Status ValidateLength(std::string_view field, std::string_view text, size_t bytes_max) {
  if (text.size() <= bytes_max) return absl::OkStatus();
  return WithField(
      LimitExceeded(absl::StatusCode::kInvalidArgument, "TEXT_TOO_LONG",
                    fmt::format("the length of {} in bytes", field), bytes_max, text.size()),
      fmt::format("crowd.{}", field));
}

absl::Status ValidateText(std::string_view field, std::string_view text, size_t bytes_max) {
  THRONG_RETURN_IF_ERROR(ValidateLength(field, text, bytes_max));
  if (IsValidUtf8(text)) return absl::OkStatus();
  return Wrong(field, fmt::format("{} is not UTF-8", field));
}

bool HasControls(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

absl::Status ValidateName(std::string_view name) {
  THRONG_RETURN_IF_ERROR(ValidateText("name", name, kCrowdNameBytesMax));
  const bool is_name = !name.empty() && name.front() != '#' && !HasControls(name) &&
                       name.find('/') == std::string_view::npos && name.front() != ' ' &&
                       name.back() != ' ';
  if (is_name) return absl::OkStatus();
  return Wrong("name",
               "a crowd's name is not empty, does not begin with '#', has no '/' and no control "
               "characters, and no space at its ends");
}

absl::Status ValidateLabels(const std::map<std::string, std::string>& labels) {
  if (labels.size() > kCrowdLabelsMax) {
    return WithField(LimitExceeded(absl::StatusCode::kInvalidArgument, "TOO_MANY_LABELS",
                                   "the number of labels", kCrowdLabelsMax, labels.size()),
                     "crowd.labels");
  }
  for (const auto& [key, value] : labels) {
    THRONG_RETURN_IF_ERROR(ValidateText("labels", key, kCrowdLabelKeyBytesMax));
    THRONG_RETURN_IF_ERROR(ValidateText("labels", value, kCrowdLabelValueBytesMax));
    if (key.empty() || HasControls(key) || HasControls(value)) {
      return Wrong("labels", "a label has a key; neither it nor the value has control characters");
    }
  }
  return absl::OkStatus();
}

bool Ascends(const std::vector<uint32_t>& numbers) {
  return std::adjacent_find(numbers.begin(), numbers.end(), std::greater_equal<>()) ==
             numbers.end() &&
         (numbers.empty() || numbers.front() != 0);
}

// Copies what changes of an entry before the first change. Not thread-safe.
class EntryEditor {
 public:
  explicit EntryEditor(const CrowdEntry* old)
      : entry_(old == nullptr ? std::make_shared<CrowdEntry>()
                              : std::make_shared<CrowdEntry>(*old)) {
    if (entry_->versions == nullptr) {
      entry_->versions = std::make_shared<const std::vector<CrowdVersion>>();
    }
  }

  CrowdEntry& entry() { return *entry_; }
  std::vector<CrowdVersion>& versions() {
    if (versions_ == nullptr) {
      versions_ = std::make_shared<std::vector<CrowdVersion>>(*entry_->versions);
      entry_->versions = versions_;
    }
    return *versions_;
  }
  std::shared_ptr<const CrowdEntry> Finish() { return std::move(entry_); }

 private:
  std::shared_ptr<CrowdEntry> entry_;
  std::shared_ptr<std::vector<CrowdVersion>> versions_;
};

}  // namespace

std::string_view CrowdKindName(CrowdKind kind) {
  switch (kind) {
    case CrowdKind::kRule:
      return "RULE";
    case CrowdKind::kUpload:
      return "UPLOAD";
    case CrowdKind::kSplit:
      return "SPLIT";
  }
  return "UNKNOWN";
}

absl::Status Validate(const CrowdDefinition& definition) {
  THRONG_RETURN_IF_ERROR(ValidateName(definition.name));
  if (definition.kind < CrowdKind::kRule || definition.kind > CrowdKind::kSplit) {
    return Wrong("kind", "a crowd is RULE, UPLOAD or SPLIT");
  }
  THRONG_RETURN_IF_ERROR(ValidateText("display_name", definition.display_name, kCrowdTextBytesMax));
  THRONG_RETURN_IF_ERROR(ValidateText("description", definition.description, kCrowdTextBytesMax));
  THRONG_RETURN_IF_ERROR(ValidateText("owner", definition.owner, kCrowdTextBytesMax));
  THRONG_RETURN_IF_ERROR(ValidateText("folder", definition.folder, kCrowdTextBytesMax));
  THRONG_RETURN_IF_ERROR(ValidateLabels(definition.labels));
  THRONG_RETURN_IF_ERROR(ValidateText("rule", definition.rule, kCrowdRuleBytesMax));
  if (definition.kind != CrowdKind::kRule && !definition.rule.empty()) {
    return Wrong("rule", "only a RULE crowd has a rule");
  }
  THRONG_RETURN_IF_ERROR(ValidateText("time_zone", definition.time_zone, kCrowdNameBytesMax));
  THRONG_RETURN_IF_ERROR(ValidateLength("details", definition.details, kCrowdDetailsBytesMax));
  if (definition.references.size() > kCrowdReferencesMax) {
    return WithField(LimitExceeded(absl::StatusCode::kInvalidArgument, "TOO_MANY_REFERENCES",
                                   "the number of crowds that the rule names", kCrowdReferencesMax,
                                   definition.references.size()),
                     "crowd.rule");
  }
  if (!Ascends(definition.references) || !Ascends(definition.tags)) {
    return Wrong("rule", "references do not ascend");
  }
  if (definition.keep_last < 1 || definition.keep_last > kCrowdKeepLastMax) {
    return WithField(MakeError(absl::StatusCode::kInvalidArgument,
                               fmt::format("keep_last is {}; it must be 1 to {}",
                                           definition.keep_last, kCrowdKeepLastMax),
                               {.reason = "BAD_KEEP_LAST",
                                .limit = kCrowdKeepLastMax,
                                .requested = definition.keep_last}),
                     "crowd.keep_last");
  }
  return absl::OkStatus();
}

const CrowdVersion* CrowdEntry::FindVersion(uint32_t number) const {
  const auto found =
      std::lower_bound(versions->begin(), versions->end(), number,
                       [](const CrowdVersion& v, uint32_t wanted) { return v.number < wanted; });
  return found == versions->end() || found->number != number ? nullptr : &*found;
}

std::shared_ptr<const CrowdCatalogue> CrowdCatalogue::Of(const std::vector<Entry>& entries,
                                                         uint32_t next_id) {
  auto all = std::make_shared<CrowdCatalogue>();
  for (const Entry& entry : entries) all->Put(entry);
  all->next_id_ = next_id;
  return all;
}

void CrowdCatalogue::Put(Entry entry) {
  const CrowdDefinition& definition = *entry->definition;
  Entry& place = by_id_[definition.id];
  if (place != nullptr && place->definition->name != definition.name) {
    // Another crowd of the same record may have taken the name already.
    const auto old = by_name_.find(place->definition->name);
    if (old != by_name_.end() && old->second->definition->id == definition.id) by_name_.erase(old);
  }
  place = entry;
  next_id_ = std::max(next_id_, definition.id + 1);
  by_name_[definition.name] = std::move(entry);
}

std::shared_ptr<const CrowdCatalogue> CrowdCatalogue::With(const CrowdChanges& changes) const {
  auto next = std::make_shared<CrowdCatalogue>(*this);
  std::map<uint32_t, EntryEditor> edited;
  const auto edit = [&](uint32_t id) -> EntryEditor& {
    return edited.try_emplace(id, FindById(id)).first->second;
  };
  for (const CrowdDefinition& definition : changes.definitions) {
    edit(definition.id).entry().definition = std::make_shared<const CrowdDefinition>(definition);
  }
  for (const NewCrowdVersion& added : changes.versions) {
    EntryEditor& editor = edit(added.crowd);
    editor.versions().push_back(added.version);
    editor.entry().last_set = added.set;
  }
  const auto pin = [&](const std::vector<CrowdVersionId>& ids, bool pinned) {
    for (const CrowdVersionId& id : ids) {
      for (CrowdVersion& version : edit(id.crowd).versions()) {
        if (version.number == id.number) version.pinned = pinned;
      }
    }
  };
  pin(changes.pinned, true);
  pin(changes.unpinned, false);
  for (const CrowdVersionId& id : changes.dropped) {
    std::erase_if(edit(id.crowd).versions(),
                  [&](const CrowdVersion& version) { return version.number == id.number; });
  }
  for (auto& [id, editor] : edited) next->Put(editor.Finish());
  for (const uint32_t id : changes.purged) {
    const auto purged = next->by_id_.find(id);
    if (purged == next->by_id_.end()) continue;
    next->by_name_.erase(purged->second->definition->name);
    next->by_id_.erase(purged);
  }
  return next;
}

std::shared_ptr<const CrowdCatalogue> CrowdCatalogue::WithSets(
    const std::map<uint32_t, std::shared_ptr<const OrdinalSet>>& sets) const {
  auto next = std::make_shared<CrowdCatalogue>(*this);
  for (const auto& [id, set] : sets) {
    auto entry = std::make_shared<CrowdEntry>(*FindById(id));
    entry->last_set = set;
    next->Put(std::move(entry));
  }
  return next;
}

const CrowdEntry* CrowdCatalogue::Find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second.get();
}

const CrowdEntry* CrowdCatalogue::FindById(uint32_t id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : found->second.get();
}

CrowdCatalogue::Entry CrowdCatalogue::Share(uint32_t id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : found->second;
}

}  // namespace throng::index
