#include "tests/soak/soak_client.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "fmt/format.h"

namespace throng::soak {
namespace {

constexpr char kPopulation[] = "populations/default";
constexpr char kPhone[] = "phone";
constexpr uint32_t kReplaceRows = 20'000;
constexpr uint32_t kCohorts = 16;

// Of one call.
class Context : public grpc::ClientContext {
 public:
  Context() {
    set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(SoakClient::kCallSeconds));
  }
};

absl::Status FromCall(const std::string& call, const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                      fmt::format("{}: {}", call, status.error_message()));
}

absl::Status WrongAnswer(const std::string& text) { return absl::InternalError(text); }

// Adds the code of `text` among the column's values, which are few.
template <typename Column>
void AddCoded(const std::string& text, Column* column) {
  const auto found = std::find(column->values().begin(), column->values().end(), text);
  column->add_codes(static_cast<uint32_t>(found - column->values().begin()));
  if (found == column->values().end()) column->add_values(text);
}

void AddId(uint32_t index, v1::TextColumn* ids) {
  ids->mutable_data()->append(UserId(index));
  ids->add_ends(static_cast<uint32_t>(ids->data().size()));
}

std::string City(uint32_t city) { return fmt::format("c{}", city); }

void FillBatch(const std::vector<SoakUser>& users, v1::ColumnBatch* batch) {
  v1::TextColumn* ids = batch->mutable_ids()->mutable_texts();
  v1::TagColumn* columns[5];
  const char* const names[] = {"city", "interests", "views", "left", "right"};
  for (int i = 0; i < 5; ++i) {
    columns[i] = batch->add_columns();
    columns[i]->set_tag(names[i]);
  }
  std::string flags((users.size() + 7) / 8, '\0');
  for (size_t i = 0; i < users.size(); ++i) {
    AddId(users[i].index, ids);
    AddCoded(City(users[i].city.value()), columns[0]->mutable_categories());
    v1::LabelsColumn* labels = columns[1]->mutable_labels();
    for (uint32_t group = 0; group < kLabelGroups; ++group) {
      AddCoded(Label(group, users[i].labels[group].value()), labels);
    }
    labels->add_ends(static_cast<uint32_t>(labels->codes_size()));
    columns[2]->mutable_integers()->add_values(users[i].views.value());
    if (users[i].paired.value()) flags[i / 8] |= static_cast<char>(1 << i % 8);
  }
  columns[3]->set_flags(flags);
  columns[4]->set_flags(flags);
}

v1::TagChange* AddChange(const char* tag, v1::UserChange* user) {
  v1::TagChange* change = user->add_changes();
  change->set_tag(tag);
  return change;
}

void FillChanges(const SoakUser& user, v1::UserChange* change) {
  change->set_id(UserId(user.index));
  if (user.city) AddChange("city", change)->mutable_set()->set_text(City(*user.city));
  if (user.views) AddChange("views", change)->mutable_set()->set_integer(*user.views);
  if (user.paired) {
    AddChange("left", change)->mutable_set()->set_flag(*user.paired);
    AddChange("right", change)->mutable_set()->set_flag(*user.paired);
  }
  v1::LabelsChange labels;
  for (uint32_t group = 0; group < kLabelGroups; ++group) {
    if (!user.labels[group]) continue;
    for (uint32_t label = 0; label < kLabelsPerGroup; ++label) {
      (label == *user.labels[group] ? labels.add_add() : labels.add_remove())
          ->assign(Label(group, label));
    }
  }
  if (labels.add_size() > 0) *AddChange("interests", change)->mutable_labels() = labels;
}

}  // namespace

std::string UserId(uint32_t index) { return fmt::format("u{}", index); }

std::string Label(uint32_t group, uint32_t label) { return fmt::format("g{}l{}", group, label); }

SoakClient::SoakClient(const std::string& address)
    : channel_([&] {
        grpc::ChannelArguments arguments;
        arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
        return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
      }()),
      admin_(v1::AdminService::NewStub(channel_)),
      insights_(v1::InsightService::NewStub(channel_)),
      populations_(v1::PopulationService::NewStub(channel_)),
      selections_(v1::SelectionService::NewStub(channel_)),
      tags_(v1::TagService::NewStub(channel_)),
      users_(v1::UserService::NewStub(channel_)) {}

absl::Status SoakClient::CreateTags() const {
  for (const auto& [name, type] :
       {std::pair("city", v1::TAG_TYPE_CATEGORY), std::pair("interests", v1::TAG_TYPE_LABELS),
        std::pair("views", v1::TAG_TYPE_INTEGER), std::pair("left", v1::TAG_TYPE_FLAG),
        std::pair("right", v1::TAG_TYPE_FLAG), std::pair("cohort", v1::TAG_TYPE_CATEGORY)}) {
    v1::CreateTagRequest request;
    request.set_parent(kPopulation);
    request.set_tag_id(name);
    request.mutable_tag()->set_type(type);
    v1::Tag response;
    Context context;
    const grpc::Status status = tags_->CreateTag(&context, request, &response);
    if (!status.ok()) return FromCall(fmt::format("CreateTag {}", name), status);
  }
  v1::CreateIdTypeRequest request;
  request.set_parent(kPopulation);
  request.set_id_type_id(kPhone);
  v1::IdType response;
  Context context;
  return FromCall("CreateIdType", populations_->CreateIdType(&context, request, &response));
}

absl::Status SoakClient::Write(const std::vector<SoakUser>& users, bool are_new) const {
  v1::WriteUsersRequest request;
  request.set_unknown_ids(are_new ? v1::UNKNOWN_IDS_CREATE : v1::UNKNOWN_IDS_ERROR);
  for (const SoakUser& user : users) FillChanges(user, request.add_users());
  v1::WriteUsersResponse response;
  Context context;
  const grpc::Status status = users_->WriteUsers(&context, request, &response);
  if (!status.ok()) return FromCall("WriteUsers", status);
  if (response.users_created() == (are_new ? users.size() : 0)) return absl::OkStatus();
  return WrongAnswer(fmt::format("WriteUsers of {} {} users (from {}) created {}", users.size(),
                                 are_new ? "erased" : "known", users.front().index,
                                 response.users_created()));
}

absl::Status SoakClient::Erase(const std::vector<uint32_t>& users) const {
  v1::EraseUsersRequest request;
  for (uint32_t user : users) request.add_users()->set_id(UserId(user));
  v1::EraseUsersResponse response;
  Context context;
  const grpc::Status status = users_->EraseUsers(&context, request, &response);
  if (!status.ok()) return FromCall("EraseUsers", status);
  if (response.users_erased() == users.size()) return absl::OkStatus();
  return WrongAnswer(fmt::format("EraseUsers of {} users (from {}) erased {}", users.size(),
                                 users.front(), response.users_erased()));
}

absl::Status SoakClient::Link(const std::vector<Phone>& phones, uint64_t linked) const {
  v1::LinkIdsRequest request;
  request.set_unknown_ids(v1::UNKNOWN_IDS_ERROR);
  for (const Phone& phone : phones) {
    v1::LinkIdsEntry* entry = request.add_entries();
    entry->set_id(UserId(phone.user));
    entry->add_ids()->set_id_type(kPhone);
    entry->mutable_ids(0)->set_id(phone.phone);
  }
  v1::LinkIdsResponse response;
  Context context;
  const grpc::Status status = users_->LinkIds(&context, request, &response);
  if (!status.ok()) return FromCall("LinkIds", status);
  if (response.ids_linked() == linked && response.ids_known() == phones.size() - linked) {
    return absl::OkStatus();
  }
  return WrongAnswer(fmt::format("LinkIds of {} new phones out of {} linked {} and knew {}", linked,
                                 phones.size(), response.ids_linked(), response.ids_known()));
}

absl::Status SoakClient::Load(const v1::LoadHeader& header, const NextBatch& next) const {
  Context context;
  const auto stream = users_->Load(&context);
  v1::LoadRequest request;
  *request.mutable_header() = header;
  bool is_open = stream->Write(request);
  uint64_t rows = 0;
  v1::LoadResponse response;
  for (uint64_t number = 1; is_open; ++number) {
    v1::ColumnBatch* batch = request.mutable_batch();
    batch->Clear();
    if (!next(batch)) break;
    batch->set_batch_number(number);
    rows += static_cast<uint64_t>(batch->ids().texts().ends_size());
    // Each batch is answered before the next one goes out.
    is_open = stream->Write(request) && stream->Read(&response);
  }
  stream->WritesDone();
  std::optional<v1::LoadSummary> summary;
  while (stream->Read(&response)) {
    if (response.has_summary()) summary = response.summary();
  }
  const bool is_replace = header.mode() == v1::LOAD_MODE_REPLACE;
  const std::string call = is_replace ? "Load REPLACE" : "Load UPSERT";
  const grpc::Status status = stream->Finish();
  if (!status.ok()) return FromCall(call, status);
  if (!summary) return WrongAnswer(fmt::format("{} of {} rows: no summary", call, rows));
  const uint64_t done = summary->rows() + (is_replace ? summary->rows_skipped() : 0);
  const uint64_t created = header.unknown_ids() == v1::UNKNOWN_IDS_CREATE ? rows : 0;
  if (summary->rows_refused() == 0 && done == rows && summary->users_created() == created) {
    return absl::OkStatus();
  }
  return WrongAnswer(fmt::format("{} of {} rows took {}, skipped {}, refused {}, created {}", call,
                                 rows, summary->rows(), summary->rows_skipped(),
                                 summary->rows_refused(), summary->users_created()));
}

absl::Status SoakClient::Upsert(const NextUsers& next, bool are_new) const {
  v1::LoadHeader header;
  header.set_mode(v1::LOAD_MODE_UPSERT);
  header.set_unknown_ids(are_new ? v1::UNKNOWN_IDS_CREATE : v1::UNKNOWN_IDS_ERROR);
  for (const char* tag : {"city", "interests", "views", "left", "right"}) header.add_tags(tag);
  return Load(header, [&](v1::ColumnBatch* batch) {
    const std::vector<SoakUser> users = next();
    FillBatch(users, batch);
    return !users.empty();
  });
}

absl::Status SoakClient::ReplaceCohort(uint32_t users, uint32_t generation) const {
  v1::LoadHeader header;
  header.set_mode(v1::LOAD_MODE_REPLACE);
  // Some are erased just now.
  header.set_unknown_ids(v1::UNKNOWN_IDS_SKIP);
  header.add_tags("cohort");
  uint32_t user = 0;
  return Load(header, [&](v1::ColumnBatch* batch) {
    if (user == users) return false;
    v1::TagColumn* column = batch->add_columns();
    column->set_tag("cohort");
    for (const uint32_t end = std::min(users, user + kReplaceRows); user < end; ++user) {
      AddId(user, batch->mutable_ids()->mutable_texts());
      AddCoded(fmt::format("g{}_{}", generation, user % kCohorts), column->mutable_categories());
    }
    return true;
  });
}

absl::StatusOr<v1::CountResponse> SoakClient::Count(const std::string& expression,
                                                    uint64_t read_version) const {
  v1::CountRequest request;
  request.mutable_selection()->set_expression(expression);
  request.mutable_selection()->set_read_version(read_version);
  v1::CountResponse response;
  Context context;
  const grpc::Status status = selections_->Count(&context, request, &response);
  if (!status.ok()) return FromCall(fmt::format("Count of {}", expression), status);
  return response;
}

absl::StatusOr<v1::BreakdownResponse> SoakClient::Breakdown(
    const std::string& expression, const std::vector<std::string>& tags) const {
  v1::BreakdownRequest request;
  request.mutable_selection()->set_expression(expression);
  request.mutable_tags()->Add(tags.begin(), tags.end());
  v1::BreakdownResponse response;
  Context context;
  const grpc::Status status = insights_->Breakdown(&context, request, &response);
  if (!status.ok()) return FromCall(fmt::format("Breakdown of {}", expression), status);
  return response;
}

absl::StatusOr<v1::Portrait> SoakClient::GetPortrait(uint32_t user) const {
  v1::GetPortraitRequest request;
  request.set_id(UserId(user));
  v1::Portrait response;
  Context context;
  const grpc::Status status = users_->GetPortrait(&context, request, &response);
  if (!status.ok()) return FromCall(fmt::format("GetPortrait of {}", request.id()), status);
  return response;
}

absl::StatusOr<uint64_t> SoakClient::Export(const std::string& expression) const {
  v1::ExportMembersRequest request;
  request.mutable_selection()->set_expression(expression);
  for (const char* tag : {"city", "interests", "views", "left"}) request.add_tags(tag);
  Context context;
  const auto stream = selections_->ExportMembers(&context, request);
  uint64_t rows = 0;
  std::optional<uint64_t> total;
  bool is_complete = false;
  v1::ExportMembersResponse frame;
  while (stream->Read(&frame)) {
    if (!total) total = frame.total();
    rows += static_cast<uint64_t>(frame.ids_size());
    is_complete = frame.complete();
  }
  const grpc::Status status = stream->Finish();
  if (!status.ok()) return FromCall(fmt::format("ExportMembers of {}", expression), status);
  if (total == rows && is_complete) return rows;
  return WrongAnswer(fmt::format("ExportMembers of {} gave {} rows of {}, {}", expression, rows,
                                 total.value_or(0), is_complete ? "complete" : "incomplete"));
}

absl::StatusOr<v1::ServerStats> SoakClient::GetStats() const {
  v1::GetStatsRequest request;
  request.set_population(kPopulation);
  v1::ServerStats response;
  Context context;
  const grpc::Status status = admin_->GetStats(&context, request, &response);
  if (!status.ok()) return FromCall("GetStats", status);
  if (response.populations_size() != 1) {
    return WrongAnswer(fmt::format("GetStats of {} gave {} populations", kPopulation,
                                   response.populations_size()));
  }
  return response;
}

absl::Status SoakClient::CreateBackup(const std::string& name) const {
  v1::CreateBackupRequest request;
  request.set_backup_id(name);
  v1::Backup response;
  Context context;
  return FromCall(fmt::format("CreateBackup {}", name),
                  admin_->CreateBackup(&context, request, &response));
}

absl::StatusOr<std::vector<std::string>> SoakClient::ListBackups() const {
  v1::ListBackupsResponse response;
  Context context;
  const grpc::Status status = admin_->ListBackups(&context, {}, &response);
  if (!status.ok()) return FromCall("ListBackups", status);
  std::vector<std::string> names;
  for (const v1::Backup& backup : response.backups()) {
    if (!backup.damage().empty()) {
      return WrongAnswer(fmt::format("{} is damaged: {}", backup.name(), backup.damage()));
    }
    names.push_back(backup.name().substr(backup.name().rfind('/') + 1));
  }
  return names;
}

}  // namespace throng::soak
