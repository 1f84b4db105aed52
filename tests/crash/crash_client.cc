#include "tests/crash/crash_client.h"

#include <cstdlib>
#include <map>
#include <set>
#include <vector>

#include "fmt/format.h"

namespace throng::crash {
namespace {

constexpr char kPopulation[] = "populations/default";

// A column of texts coded by a dictionary. `value(i)` is row i's text; nullopt leaves it.
template <typename ValueOf>
void FillCoded(int rows, ValueOf value, v1::TagColumn* column) {
  std::string leave(static_cast<size_t>(rows + 7) / 8, '\0');
  std::map<std::string, uint32_t> codes;
  v1::CodedColumn* coded = column->mutable_categories();
  for (int i = 0; i < rows; ++i) {
    const std::optional<std::string> text = value(i);
    if (!text) {
      leave[static_cast<size_t>(i) / 8] |= static_cast<char>(1 << i % 8);
      coded->add_codes(0);
      continue;
    }
    const auto [place, is_new] = codes.try_emplace(*text, coded->values_size());
    if (is_new) coded->add_values(*text);
    coded->add_codes(place->second);
  }
  column->set_leave_mask(leave);
}

}  // namespace

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 20);
  // Also how long an attempt may take, which on a busy machine is more than 20 ms.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 2'000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 100);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

void Die(const std::string& what, const grpc::Status& status) {
  fmt::print(stderr, "{}: {} ({})\n", what, status.error_message(),
             static_cast<int>(status.error_code()));
  std::exit(1);
}

bool IsGone(const grpc::Status& status) {
  return status.error_code() == grpc::StatusCode::UNAVAILABLE ||
         status.error_code() == grpc::StatusCode::CANCELLED;
}

CrashClient::CrashClient(const std::string& address, int writer)
    : writer_(writer),
      channel_(MakeChannel(address)),
      admin_(v1::AdminService::NewStub(channel_)),
      populations_(v1::PopulationService::NewStub(channel_)),
      tags_(v1::TagService::NewStub(channel_)),
      users_(v1::UserService::NewStub(channel_)),
      selections_(v1::SelectionService::NewStub(channel_)) {}

std::string CrashClient::Tag(const std::string& name) const {
  return fmt::format("{}_{}", name, writer_);
}

bool CrashClient::AwaitServing() {
  const auto end = std::chrono::system_clock::now() + std::chrono::seconds(60);
  while (std::chrono::system_clock::now() < end) {
    grpc::ClientContext context;
    context.set_deadline(end);
    context.set_wait_for_ready(true);
    v1::CountRequest request;
    request.mutable_selection()->set_expression("all()");
    v1::CountResponse response;
    const grpc::Status status = selections_->Count(&context, request, &response);
    if (status.ok()) return true;
    if (!IsGone(status)) return false;
  }
  return false;
}

void CrashClient::CreateTags() {
  for (const auto& [name, type] :
       {std::pair("city", v1::TAG_TYPE_CATEGORY), std::pair("views", v1::TAG_TYPE_INTEGER),
        std::pair("vip", v1::TAG_TYPE_FLAG), std::pair("interests", v1::TAG_TYPE_LABELS)}) {
    v1::CreateTagRequest request;
    request.set_parent(kPopulation);
    request.set_tag_id(Tag(name));
    request.mutable_tag()->set_type(type);
    v1::Tag response;
    grpc::ClientContext context;
    const grpc::Status status = tags_->CreateTag(&context, request, &response);
    if (!status.ok()) Die("create tag", status);
  }
  v1::CreateIdTypeRequest request;
  request.set_parent(kPopulation);
  request.set_id_type_id(Tag("phone"));
  v1::IdType response;
  grpc::ClientContext context;
  const grpc::Status status = populations_->CreateIdType(&context, request, &response);
  if (!status.ok()) Die("create id type", status);
}

std::optional<uint64_t> CrashClient::Run(const Operation& operation) {
  switch (operation.kind) {
    case Operation::Kind::kWrite:
      return Write(operation);
    case Operation::Kind::kUpsert:
    case Operation::Kind::kReplace:
      return Load(operation);
    case Operation::Kind::kLink:
      return Link(operation);
    case Operation::Kind::kErase:
      return Erase(operation);
  }
  return std::nullopt;
}

std::optional<uint64_t> CrashClient::Link(const Operation& operation) {
  v1::LinkIdsRequest request;
  request.set_unknown_ids(v1::UNKNOWN_IDS_ERROR);
  for (const Operation::Change& change : operation.changes) {
    v1::LinkIdsEntry* entry = request.add_entries();
    entry->set_id(change.id);
    for (const std::string& phone : change.phones) {
      v1::TypedId* id = entry->add_ids();
      id->set_id_type(Tag("phone"));
      id->set_id(phone);
    }
  }
  v1::LinkIdsResponse response;
  grpc::ClientContext context;
  const grpc::Status status = users_->LinkIds(&context, request, &response);
  if (status.ok()) return response.data_version();
  if (!IsGone(status)) Die("link ids", status);
  return std::nullopt;
}

std::optional<uint64_t> CrashClient::Erase(const Operation& operation) {
  v1::EraseUsersRequest request;
  for (const Operation::Change& change : operation.changes) {
    request.add_users()->set_id(change.id);
  }
  v1::EraseUsersResponse response;
  grpc::ClientContext context;
  const grpc::Status status = users_->EraseUsers(&context, request, &response);
  if (status.ok()) return response.data_version();
  if (!IsGone(status)) Die("erase users", status);
  return std::nullopt;
}

void CrashClient::ReadPhones(CrashModel* model) {
  v1::ResolveIdsRequest request;
  request.set_to_type(Tag("phone"));
  for (const auto& [id, person] : *model) request.add_ids(id);
  v1::ResolveIdsResponse response;
  grpc::ClientContext context;
  const grpc::Status status = users_->ResolveIds(&context, request, &response);
  if (!status.ok()) Die("resolve ids", status);
  int i = 0;
  for (auto& [id, person] : *model) {
    const v1::ResolvedId& result = response.results(i++);
    person.phones.insert(result.ids().begin(), result.ids().end());
  }
}

std::optional<uint64_t> CrashClient::Write(const Operation& operation) {
  v1::WriteUsersRequest request;
  request.set_unknown_ids(v1::UNKNOWN_IDS_CREATE);
  for (const Operation::Change& change : operation.changes) {
    v1::UserChange* user = request.add_users();
    user->set_id(change.id);
    if (change.city) {
      v1::TagChange* city = user->add_changes();
      city->set_tag(Tag("city"));
      if (change.city->empty()) {
        city->mutable_clear();
      } else {
        city->mutable_set()->set_text(*change.city);
      }
    }
    if (change.vip) {
      v1::TagChange* vip = user->add_changes();
      vip->set_tag(Tag("vip"));
      vip->mutable_set()->set_flag(*change.vip);
    }
    if (!change.added.empty() || !change.removed.empty()) {
      v1::TagChange* interests = user->add_changes();
      interests->set_tag(Tag("interests"));
      const std::set<std::string> added(change.added.begin(), change.added.end());
      const std::set<std::string> removed(change.removed.begin(), change.removed.end());
      for (const std::string& label : added) interests->mutable_labels()->add_add(label);
      for (const std::string& label : removed) interests->mutable_labels()->add_remove(label);
    }
  }
  v1::WriteUsersResponse response;
  grpc::ClientContext context;
  const grpc::Status status = users_->WriteUsers(&context, request, &response);
  if (status.ok()) return response.data_version();
  if (!IsGone(status)) Die("write users", status);
  return std::nullopt;
}

std::optional<uint64_t> CrashClient::Load(const Operation& operation) {
  const bool is_replace = operation.kind == Operation::Kind::kReplace;
  grpc::ClientContext context;
  const auto stream = users_->Load(&context);
  v1::LoadRequest header;
  header.mutable_header()->set_mode(is_replace ? v1::LOAD_MODE_REPLACE : v1::LOAD_MODE_UPSERT);
  header.mutable_header()->set_unknown_ids(is_replace ? v1::UNKNOWN_IDS_ERROR
                                                      : v1::UNKNOWN_IDS_CREATE);
  header.mutable_header()->set_confirm_coverage_fall(true);
  header.mutable_header()->add_tags(Tag("city"));
  header.mutable_header()->add_tags(Tag("views"));
  v1::LoadRequest batch;
  const int rows = static_cast<int>(operation.changes.size());
  v1::TextColumn* ids = batch.mutable_batch()->mutable_ids()->mutable_texts();
  batch.mutable_batch()->set_batch_number(1);
  v1::TagColumn* city = batch.mutable_batch()->add_columns();
  city->set_tag(Tag("city"));
  v1::TagColumn* views = batch.mutable_batch()->add_columns();
  views->set_tag(Tag("views"));
  std::string leave(static_cast<size_t>(rows + 7) / 8, '\0');
  for (int i = 0; i < rows; ++i) {
    const Operation::Change& change = operation.changes[static_cast<size_t>(i)];
    ids->mutable_data()->append(change.id);
    ids->add_ends(static_cast<uint32_t>(ids->data().size()));
    views->mutable_integers()->add_values(change.person.views.value_or(0));
    if (!change.person.views) leave[static_cast<size_t>(i) / 8] |= static_cast<char>(1 << i % 8);
  }
  views->set_leave_mask(leave);
  FillCoded(
      rows, [&](int i) { return operation.changes[static_cast<size_t>(i)].person.city; }, city);
  bool written = stream->Write(header);
  if (written && rows > 0) written = stream->Write(batch);
  if (written) stream->WritesDone();
  std::optional<uint64_t> version;
  v1::LoadResponse response;
  while (stream->Read(&response)) {
    if (response.has_summary()) version = response.summary().data_version();
    // An upsert's batch is committed when its progress comes, summary or not.
    if (!is_replace && response.has_progress()) version = response.progress().data_version();
  }
  const grpc::Status status = stream->Finish();
  if (!status.ok() && !IsGone(status)) Die("load", status);
  return version;
}

bool CrashClient::CreateBackup(const std::string& name) {
  v1::CreateBackupRequest request;
  request.set_backup_id(name);
  v1::Backup response;
  grpc::ClientContext context;
  const grpc::Status status = admin_->CreateBackup(&context, request, &response);
  if (!status.ok() && !IsGone(status)) Die("create backup", status);
  return status.ok();
}

std::vector<std::string> CrashClient::ListBackups() {
  v1::ListBackupsResponse response;
  grpc::ClientContext context;
  const grpc::Status status = admin_->ListBackups(&context, {}, &response);
  if (!status.ok()) Die("list backups", status);
  std::vector<std::string> names;
  for (const v1::Backup& backup : response.backups()) {
    const std::string name = backup.name().substr(backup.name().rfind('/') + 1);
    if (!backup.damage().empty()) {
      Die(fmt::format("backup {}: {}", name, backup.damage()), grpc::Status::OK);
    }
    names.push_back(name);
  }
  return names;
}

CrashModel CrashClient::Read() {
  v1::ExportMembersRequest request;
  request.mutable_selection()->set_expression("all()");
  for (const char* name : {"city", "views", "vip", "interests"}) request.add_tags(Tag(name));
  grpc::ClientContext context;
  // The first call of a client: where cores are scarce, a connection may take a second attempt.
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
  context.set_wait_for_ready(true);
  const auto stream = selections_->ExportMembers(&context, request);
  CrashModel model;
  const std::string prefix = fmt::format("w{}u", writer_);
  v1::ExportMembersResponse frame;
  while (stream->Read(&frame)) {
    for (int i = 0; i < frame.ids_size(); ++i) {
      if (!frame.ids(i).starts_with(prefix)) continue;
      Person& person = model[frame.ids(i)];
      if (!frame.columns(0).values(i).empty()) person.city = frame.columns(0).values(i);
      if (!frame.columns(1).values(i).empty()) {
        person.views = std::stoll(frame.columns(1).values(i));
      }
      person.vip = frame.columns(2).values(i) == "true";
      std::string labels = frame.columns(3).values(i);
      while (!labels.empty()) {
        const size_t end = std::min(labels.find('|'), labels.size());
        person.interests.insert(labels.substr(0, end));
        labels.erase(0, end + 1);
      }
    }
  }
  const grpc::Status status = stream->Finish();
  if (!status.ok()) Die("export", status);
  ReadPhones(&model);
  return model;
}

uint64_t CrashClient::Count(const std::string& expression) {
  grpc::ClientContext context;
  v1::CountRequest request;
  request.mutable_selection()->set_expression(expression);
  v1::CountResponse response;
  const grpc::Status status = selections_->Count(&context, request, &response);
  if (!status.ok()) Die(expression, status);
  return response.count();
}

uint64_t CrashClient::DataVersion() {
  grpc::ClientContext context;
  v1::CountRequest request;
  request.mutable_selection()->set_expression("none()");
  v1::CountResponse response;
  const grpc::Status status = selections_->Count(&context, request, &response);
  if (!status.ok()) Die("count", status);
  return response.info().data_version();
}

}  // namespace throng::crash
