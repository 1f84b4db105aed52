#include "server/engine/writer.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "fmt/format.h"
#include "index/error.h"
#include "index/overloaded.h"
#include "index/utf8.h"
#include "query/value_resolver.h"
#include "server/engine/load_session.h"
#include "server/engine/new_users.h"
#include "server/engine/request_memory.h"
#include "server/engine/universe.h"
#include "server/engine/user_lookup.h"

namespace throng::engine {
namespace {

// Builds the record of one WriteUsers call. A user or a tag may be named several times: later
// changes win, in the order given.
class UsersWriter {
 public:
  UsersWriter(const Universe& universe, const index::Snapshot& newest,
              const index::CatalogueView& view, UnknownIds unknown_ids, index::CommitRecord* record)
      : universe_(universe),
        newest_(newest),
        view_(view),
        record_(*record),
        users_(newest, unknown_ids, record) {}

  absl::Status Add(const UserChange& user, std::string_view field) {
    THRONG_ASSIGN_OR_RETURN(const std::optional<uint32_t> ordinal, FindOrCreate(user, field));
    for (size_t i = 0; i < user.changes.size(); ++i) {
      const std::string change_field = fmt::format("{}.changes[{}]", field, i);
      THRONG_ASSIGN_OR_RETURN(const index::TagEntry* entry,
                              FindTag(user.changes[i].tag, change_field));
      // A change of a skipped user is checked all the same.
      Cells scratch;
      Cells& cells = ordinal.has_value() ? changes_[entry->definition.id][*ordinal] : scratch;
      THRONG_RETURN_IF_ERROR(
          index::WithField(Change(user.changes[i], *entry, &cells), change_field));
    }
    return absl::OkStatus();
  }

  void Finish() {
    for (auto& [tag, codes] : new_codes_) {
      index::NewValues added{.tag = tag,
                             .first_code = newest_.catalogue().FindById(tag)->values->size(),
                             .values = std::move(codes.values)};
      if (!added.values.empty()) record_.new_values.push_back(std::move(added));
    }
    for (auto& [tag, users] : changes_) {
      const index::TagType type = newest_.catalogue().FindById(tag)->definition.type;
      record_.tag_changes.push_back(type == index::TagType::kLabels ? Labels(tag, users)
                                                                    : CellsOf(tag, users));
    }
  }

  uint64_t users_skipped() const { return users_.users_skipped(); }

 private:
  // What becomes of one user's tag.
  struct Cells {
    bool cleared = false;
    int64_t value = 0;
    bool replaced = false;
    std::map<uint32_t, bool> labels;  // code -> added or removed
  };
  struct NewCodes {
    std::vector<std::string> values;
    absl::flat_hash_map<std::string, uint32_t> codes;
  };

  absl::StatusOr<std::optional<uint32_t>> FindOrCreate(const UserChange& user,
                                                       std::string_view field) {
    const std::string id_field = fmt::format("{}.id", field);
    const std::string type_field = fmt::format("{}.id_type", field);
    THRONG_ASSIGN_OR_RETURN(const index::IdTypeDefinition* type,
                            FindIdType(universe_, newest_, user.id_type, type_field));
    if (type == nullptr) return users_.FindOrCreate(user.id, id_field);
    THRONG_ASSIGN_OR_RETURN(const std::optional<uint32_t> ordinal,
                            FindUser(newest_, type, user.id, id_field));
    if (ordinal.has_value()) return ordinal;
    if (users_.unknown_ids() == UnknownIds::kCreate) {
      return NewUsers::CannotCreate(user.id_type, type_field);
    }
    return users_.LeaveOut(user.id, id_field);
  }

  absl::StatusOr<const index::TagEntry*> FindTag(const std::string& name, std::string_view field) {
    const index::TagEntry* entry = view_.Find(name);
    if (entry != nullptr) return entry;
    return index::MakeError(absl::StatusCode::kNotFound,
                            fmt::format("there is no tag \"{}\"", name),
                            {.reason = "UNKNOWN_TAG",
                             .field = fmt::format("{}.tag", field),
                             .suggestion = view_.NearestTag(name)});
  }

  absl::Status Change(const UserTagChange& change, const index::TagEntry& entry, Cells* cells) {
    return std::visit(
        index::Overloaded{
            [&](const SetValue& set) { return Set(set.value, entry, cells); },
            [&](const ClearValue&) {
              *cells = {.cleared = true, .replaced = true};
              return absl::OkStatus();
            },
            [&](const ChangeLabels& labels) { return ChangeLabelsOf(labels, entry, cells); },
        },
        change.change);
  }

  absl::Status Set(const query::Value& value, const index::TagEntry& entry, Cells* cells) {
    const index::TagDefinition& tag = entry.definition;
    if (tag.type == index::TagType::kFlag) {
      THRONG_ASSIGN_OR_RETURN(const bool flag, query::ResolveFlag(value, tag));
      *cells = {.value = flag ? 1 : 0};
      return absl::OkStatus();
    }
    if (index::IsNumeric(tag.type)) {
      THRONG_ASSIGN_OR_RETURN(const int64_t number, Number(value, tag));
      *cells = {.value = number};
      return absl::OkStatus();
    }
    THRONG_ASSIGN_OR_RETURN(const std::string* text, query::ResolveText(value, tag));
    THRONG_ASSIGN_OR_RETURN(const uint32_t code, Code(*text, entry));
    if (tag.type == index::TagType::kCategory) {
      *cells = {.value = code};
    } else {
      *cells = {.replaced = true, .labels = {{code, true}}};
    }
    return absl::OkStatus();
  }

  // Exactly one stored number: a day is none of a DATETIME's, nor 1.5 of an INTEGER's.
  static absl::StatusOr<int64_t> Number(const query::Value& value,
                                        const index::TagDefinition& tag) {
    if (std::holds_alternative<query::RelativeTimeLiteral>(value.literal)) {
      return index::InvalidArgument("WRONG_VALUE_TYPE", "",
                                    "a relative time cannot be stored: give the date or time");
    }
    THRONG_ASSIGN_OR_RETURN(const query::TimeContext utc, query::MakeTimeContext("", 0));
    THRONG_ASSIGN_OR_RETURN(const query::ValueSpan span, query::ResolveOrdered(value, tag, utc));
    const auto [low, high] = StoredRangeOf(tag.type);
    if (span.low != span.high || span.low < low || span.low > high) {
      return index::InvalidArgument(
          "VALUE_OUT_OF_RANGE", "",
          fmt::format("the value is not one that {} tag \"{}\" can hold{}",
                      index::TagTypeName(tag.type), tag.name,
                      tag.type == index::TagType::kDecimal
                          ? fmt::format(": at most {} decimals and 18 digits", tag.scale)
                      : tag.type == index::TagType::kInteger ? ""
                                                             : ": years 1 to 9999"));
    }
    return static_cast<int64_t>(span.low);
  }

  absl::Status ChangeLabelsOf(const ChangeLabels& labels, const index::TagEntry& entry,
                              Cells* cells) {
    if (entry.definition.type != index::TagType::kLabels) {
      return index::InvalidArgument(
          "WRONG_VALUE_TYPE", "",
          fmt::format("tag \"{}\" is {}, not LABELS", entry.definition.name,
                      index::TagTypeName(entry.definition.type)));
    }
    cells->cleared = false;
    for (const std::string& label : labels.add) {
      THRONG_ASSIGN_OR_RETURN(const uint32_t code, Code(label, entry));
      cells->labels[code] = true;
    }
    for (const std::string& label : labels.remove) {
      // A label that nobody has needs no code to be removed.
      const std::optional<uint32_t> code = FindCode(label, entry);
      if (code.has_value()) cells->labels[*code] = false;
    }
    return absl::OkStatus();
  }

  std::optional<uint32_t> FindCode(const std::string& text, const index::TagEntry& entry) const {
    if (const auto known = entry.values->Find(text)) return known;
    const auto added = new_codes_.find(entry.definition.id);
    if (added == new_codes_.end()) return std::nullopt;
    const auto code = added->second.codes.find(text);
    if (code == added->second.codes.end()) return std::nullopt;
    return code->second;
  }

  absl::StatusOr<uint32_t> Code(const std::string& text, const index::TagEntry& entry) {
    if (const auto known = FindCode(text, entry)) return *known;
    const index::TagDefinition& tag = entry.definition;
    if (text.empty() || text.size() > static_cast<size_t>(index::kTagValueBytesMax) ||
        !index::IsValidUtf8(text)) {
      return index::InvalidArgument("BAD_VALUE", "",
                                    fmt::format("a value of tag \"{}\" is 1 to {} bytes of UTF-8",
                                                tag.name, index::kTagValueBytesMax));
    }
    NewCodes& added = new_codes_[tag.id];
    const auto code = static_cast<uint32_t>(entry.values->size() + added.values.size());
    const uint32_t values_max = std::min(tag.values_max, index::kTagValuesMax);
    if (code >= values_max) {
      return index::LimitExceeded(absl::StatusCode::kResourceExhausted, "TOO_MANY_VALUES",
                                  fmt::format("the number of values of tag \"{}\"", tag.name),
                                  values_max, uint64_t{code} + 1);
    }
    added.values.push_back(text);
    added.codes[text] = code;
    return code;
  }

  static index::TagChange CellsOf(uint32_t tag, const std::map<uint32_t, Cells>& users) {
    index::TagChange change{.tag = tag};
    for (const auto& [ordinal, cells] : users) {
      change.ordinals.push_back(ordinal);
      change.cells.push_back(cells.value);
      change.cleared.push_back(cells.cleared);
    }
    return change;
  }

  static index::TagChange Labels(uint32_t tag, const std::map<uint32_t, Cells>& users) {
    index::TagChange change{.tag = tag};
    for (const auto& [ordinal, cells] : users) {
      change.ordinals.push_back(ordinal);
      for (const auto& [code, added] : cells.labels) {
        change.label_changes.push_back(code << 1 | (added ? 1 : 0));
      }
      change.label_ends.push_back(static_cast<uint32_t>(change.label_changes.size()));
      change.replaced.push_back(cells.replaced);
    }
    return change;
  }

  const Universe& universe_;
  const index::Snapshot& newest_;
  const index::CatalogueView& view_;
  index::CommitRecord& record_;
  NewUsers users_;
  std::map<uint32_t, NewCodes> new_codes_;                 // by tag
  std::map<uint32_t, std::map<uint32_t, Cells>> changes_;  // by tag, by ordinal
};

std::string EncodeAnswer(uint64_t version, const WriteUsersResult& result) {
  return fmt::format("{} {} {}", version, result.users_created, result.users_skipped);
}

WriteUsersResult DecodeAnswer(const std::string& text) {
  WriteUsersResult result;
  char* end = nullptr;
  result.data_version = std::strtoull(text.c_str(), &end, 10);
  result.users_created = std::strtoull(end, &end, 10);
  result.users_skipped = std::strtoull(end, &end, 10);
  return result;
}

}  // namespace

absl::StatusOr<std::unique_ptr<LoadSession>> Writer::StartLoad(const CallContext& context,
                                                               const LoadHeader& header) {
  THRONG_ASSIGN_OR_RETURN(std::shared_ptr<Universe> universe, universes_.Find(header.population));
  return StartSession(std::move(universe), context, header);
}

absl::StatusOr<WriteUsersResult> Writer::WriteUsers(const CallContext& context,
                                                    const WriteUsersRequest& request) {
  THRONG_RETURN_IF_ERROR(context.Check());
  if (request.users.size() > kWriteUsersMax) {
    return index::WithField(
        index::LimitExceeded(absl::StatusCode::kInvalidArgument, "TOO_MANY_USERS",
                             "the number of users", kWriteUsersMax, request.users.size()),
        "users");
  }
  THRONG_ASSIGN_OR_RETURN(const std::shared_ptr<Universe> universe,
                          universes_.Find(request.population));
  const RequestKey key =
      MakeRequestKey(context, "users.write", request.request_id, request.payload_hash);
  WriteUsersResult result;
  bool repeated = false;
  const auto build = [&](const index::Snapshot& newest,
                         index::CommitRecord* record) -> absl::Status {
    THRONG_ASSIGN_OR_RETURN(const auto first, FindAnswer(*universe, key));
    repeated = first.has_value();
    if (repeated) {
      result = DecodeAnswer(*first);
      return absl::OkStatus();
    }
    const index::CatalogueView view(newest.catalogue(), context.visibility);
    index::CommitRecord built = *record;
    UsersWriter writer(*universe, newest, view, request.unknown_ids, &built);
    for (size_t i = 0; i < request.users.size(); ++i) {
      THRONG_RETURN_IF_ERROR(writer.Add(request.users[i], fmt::format("users[{}]", i)));
    }
    writer.Finish();
    result.users_created = built.new_users.size();
    result.users_skipped = writer.users_skipped();
    if (request.validate_only) return absl::OkStatus();
    Remember(key, EncodeAnswer(built.version, result), &built);
    *record = std::move(built);
    return absl::OkStatus();
  };
  size_t cells = 0;
  for (const UserChange& user : request.users) cells += user.changes.size();
  THRONG_ASSIGN_OR_RETURN(const index::SnapshotRef snapshot, universe->Commit(build, cells));
  if (!repeated) result.data_version = snapshot->data_version();
  return result;
}

}  // namespace throng::engine
