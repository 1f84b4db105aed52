#include "tests/crash/crash_crowd_client.h"

#include <chrono>
#include <thread>
#include <utility>

#include "fmt/format.h"
#include "tests/crash/crash_client.h"

namespace throng::crash {
namespace {

constexpr char kPopulation[] = "populations/default";
constexpr int kTriesMax = 200;
constexpr std::chrono::milliseconds kPause(5);
constexpr char kArms[] = "AB";

std::string CrowdName(const std::string& name) {
  return fmt::format("{}/crowds/{}", kPopulation, name);
}

std::string SplitName(const std::string& name) {
  return fmt::format("{}/splits/{}", kPopulation, name);
}

std::string LastPart(const std::string& name) { return name.substr(name.rfind('/') + 1); }

// "READY".
std::string StateText(v1::CrowdState state) {
  static const std::string kPrefix = "CROWD_STATE_";
  return v1::CrowdState_Name(state).substr(kPrefix.size());
}

CrowdAnswer::Version ToVersion(const std::string& crowd, const v1::CrowdVersion& version) {
  return {.crowd = LastPart(crowd),
          .number = version.version(),
          .computed_count = version.computed_count(),
          .added = version.added(),
          .removed = version.removed(),
          .data_version = version.data_version()};
}

UploadCounts ToCounts(const v1::Upload& upload) {
  return {.received = upload.received(),
          .matched = upload.matched(),
          .duplicate = upload.duplicate(),
          .unknown = upload.unknown(),
          .invalid = upload.invalid()};
}

void TakeCrowd(const v1::Crowd& crowd, CrowdAnswer* answer) {
  answer->what = fmt::format("{} {}", LastPart(crowd.name()), StateText(crowd.state()));
  answer->data_version = crowd.data_version();
}

void TakeSplit(const v1::Split& split, CrowdAnswer* answer) {
  for (const v1::SplitArm& arm : split.arms()) {
    BucketRanges ranges;
    for (const v1::BucketRange& range : arm.ranges()) ranges.emplace_back(range.from(), range.to());
    answer->what += ArmText(LastPart(arm.crowd()), StateText(arm.state()), ranges);
  }
  answer->data_version = split.data_version();
}

// Of what expires at once nothing may be left that could be described: it was deleted all the same.
grpc::Status TakeDeleted(const CrowdOperation& operation, const grpc::Status& status,
                         CrowdAnswer* answer) {
  if (!operation.for_good) return status;
  const bool is_done = status.ok() || status.error_code() == grpc::StatusCode::NOT_FOUND;
  answer->what = operation.name;
  return is_done ? grpc::Status::OK : status;
}

// Whether it could never be undeleted.
bool IsForGood(const v1::Crowd& crowd) {
  const auto& deleted = crowd.delete_time();
  const auto& expires = crowd.expire_time();
  return crowd.state() == v1::CROWD_STATE_DELETED && deleted.seconds() == expires.seconds() &&
         deleted.nanos() == expires.nanos();
}

}  // namespace

CrowdClient::CrowdClient(const std::string& address, int writer)
    : prefix_(fmt::format("w{}", writer)),
      channel_(MakeChannel(address)),
      crowds_(v1::CrowdService::NewStub(channel_)),
      splits_(v1::SplitService::NewStub(channel_)),
      uploads_(v1::UploadService::NewStub(channel_)),
      selections_(v1::SelectionService::NewStub(channel_)) {}

std::optional<CrowdAnswer> CrowdClient::Run(const CrowdOperation& operation) {
  grpc::Status status;
  for (int tries = 0; tries < kTriesMax; ++tries) {
    CrowdAnswer answer;
    status = Try(operation, &answer);
    if (status.ok()) return answer;
    if (IsGone(status)) return std::nullopt;
    if (status.error_code() != grpc::StatusCode::ABORTED) break;
    std::this_thread::sleep_for(kPause);
  }
  Die(operation.ToString(), status);
}

grpc::Status CrowdClient::Try(const CrowdOperation& operation, CrowdAnswer* answer) {
  switch (operation.kind) {
    case CrowdOperation::Kind::kCreate:
      return Create(operation, answer);
    case CrowdOperation::Kind::kRefresh:
      return operation.names.size() == 1 ? RefreshOne(operation, answer)
                                         : RefreshAll(operation, answer);
    case CrowdOperation::Kind::kFreeze:
      return Freeze(operation, answer);
    case CrowdOperation::Kind::kUpload:
      return Upload(operation, answer);
    case CrowdOperation::Kind::kDelete:
      return Delete(operation, answer);
    case CrowdOperation::Kind::kUndelete:
      return Undelete(operation, answer);
    case CrowdOperation::Kind::kSplit:
      return Split(operation, answer);
    case CrowdOperation::Kind::kAward:
      return Award(operation, answer);
    case CrowdOperation::Kind::kDeleteSplit:
      return DeleteSplit(operation, answer);
  }
  return grpc::Status::OK;
}

grpc::Status CrowdClient::Create(const CrowdOperation& operation, CrowdAnswer* answer) {
  v1::CreateCrowdRequest request;
  request.set_parent(kPopulation);
  request.set_crowd_id(operation.name);
  request.set_request_id(operation.request_id);
  v1::Crowd* crowd = request.mutable_crowd();
  crowd->set_kind(v1::CROWD_KIND_RULE);
  crowd->set_expression(operation.text);
  crowd->set_description(operation.request_id);
  crowd->set_keep_last(kKeepLast);
  v1::Crowd response;
  grpc::ClientContext context;
  const grpc::Status status = crowds_->CreateCrowd(&context, request, &response);
  TakeCrowd(response, answer);
  return status;
}

grpc::Status CrowdClient::RefreshOne(const CrowdOperation& operation, CrowdAnswer* answer) {
  v1::RefreshCrowdRequest request;
  request.set_name(CrowdName(operation.names.front()));
  request.set_request_id(operation.request_id);
  v1::RefreshedCrowd response;
  grpc::ClientContext context;
  const grpc::Status status = crowds_->RefreshCrowd(&context, request, &response);
  answer->what = LastPart(response.name()) + " ";
  answer->versions.push_back(ToVersion(response.name(), response.version()));
  answer->data_version = response.data_version();
  return status;
}

grpc::Status CrowdClient::RefreshAll(const CrowdOperation& operation, CrowdAnswer* answer) {
  v1::BatchRefreshCrowdsRequest request;
  request.set_parent(kPopulation);
  request.set_request_id(operation.request_id);
  for (const std::string& name : operation.names) request.add_names(CrowdName(name));
  v1::BatchRefreshCrowdsResponse response;
  grpc::ClientContext context;
  const grpc::Status status = crowds_->BatchRefreshCrowds(&context, request, &response);
  for (const v1::RefreshedCrowd& crowd : response.crowds()) {
    answer->what += LastPart(crowd.name()) + " ";
    answer->versions.push_back(ToVersion(crowd.name(), crowd.version()));
  }
  answer->data_version = response.data_version();
  return status;
}

grpc::Status CrowdClient::Freeze(const CrowdOperation& operation, CrowdAnswer* answer) {
  v1::FreezeCrowdRequest request;
  request.set_name(CrowdName(operation.name));
  request.set_request_id(operation.request_id);
  v1::Crowd response;
  grpc::ClientContext context;
  const grpc::Status status = crowds_->FreezeCrowd(&context, request, &response);
  TakeCrowd(response, answer);
  answer->versions.push_back(ToVersion(response.name(), response.newest_version()));
  return status;
}

grpc::Status CrowdClient::Upload(const CrowdOperation& operation, CrowdAnswer* answer) {
  v1::UploadIdsRequest first;
  v1::UploadHeader* header = first.mutable_header();
  header->set_crowd(CrowdName(operation.name));
  header->set_request_id(operation.request_id);
  header->set_mode(operation.mode == CrowdOperation::Mode::kReplace ? v1::UPLOAD_MODE_REPLACE
                   : operation.mode == CrowdOperation::Mode::kAdd   ? v1::UPLOAD_MODE_ADD
                                                                    : v1::UPLOAD_MODE_REMOVE);
  if (operation.creates) {
    header->mutable_create()->set_description(operation.request_id);
    header->mutable_create()->set_keep_last(kKeepLast);
  }
  v1::UploadIdsRequest ids;
  v1::TextColumn* texts = ids.mutable_ids()->mutable_texts();
  for (const std::string& id : operation.ids) {
    texts->mutable_data()->append(id);
    texts->add_ends(static_cast<uint32_t>(texts->data().size()));
  }
  v1::UploadIdsRequest end;
  end.mutable_end()->set_id_count(operation.ids.size());
  v1::Upload response;
  grpc::ClientContext context;
  const auto stream = uploads_->UploadIds(&context, &response);
  // Why a message is not taken is in the status.
  if (stream->Write(first) && stream->Write(ids) && stream->Write(end)) stream->WritesDone();
  const grpc::Status status = stream->Finish();
  answer->what = LastPart(response.crowd());
  answer->versions.push_back(ToVersion(response.crowd(), response.version()));
  answer->upload = ToCounts(response);
  answer->data_version = response.data_version();
  return status;
}

grpc::Status CrowdClient::Delete(const CrowdOperation& operation, CrowdAnswer* answer) {
  v1::DeleteCrowdRequest request;
  request.set_name(CrowdName(operation.name));
  request.set_request_id(operation.request_id);
  if (operation.for_good) request.mutable_kept_time();
  v1::Crowd response;
  grpc::ClientContext context;
  const grpc::Status status = crowds_->DeleteCrowd(&context, request, &response);
  TakeCrowd(response, answer);
  return TakeDeleted(operation, status, answer);
}

grpc::Status CrowdClient::Undelete(const CrowdOperation& operation, CrowdAnswer* answer) {
  v1::UndeleteCrowdRequest request;
  request.set_name(CrowdName(operation.name));
  request.set_request_id(operation.request_id);
  v1::Crowd response;
  grpc::ClientContext context;
  const grpc::Status status = crowds_->UndeleteCrowd(&context, request, &response);
  TakeCrowd(response, answer);
  return status;
}

grpc::Status CrowdClient::Split(const CrowdOperation& operation, CrowdAnswer* answer) {
  v1::CreateSplitRequest request;
  request.set_parent(kPopulation);
  request.set_split_id(operation.name);
  request.set_request_id(operation.request_id);
  v1::Split* split = request.mutable_split();
  split->set_source(operation.source);
  split->set_salt(operation.name);
  split->set_share_millionths(operation.share);
  for (const char arm : std::string(kArms)) split->add_arms()->set_name(std::string(1, arm));
  v1::Split response;
  grpc::ClientContext context;
  const grpc::Status status = splits_->CreateSplit(&context, request, &response);
  TakeSplit(response, answer);
  return status;
}

grpc::Status CrowdClient::Award(const CrowdOperation& operation, CrowdAnswer* answer) {
  v1::AwardSplitRequest request;
  request.set_name(SplitName(operation.name));
  request.set_winner(operation.winner);
  request.set_request_id(operation.request_id);
  v1::Split response;
  grpc::ClientContext context;
  const grpc::Status status = splits_->AwardSplit(&context, request, &response);
  TakeSplit(response, answer);
  return status;
}

grpc::Status CrowdClient::DeleteSplit(const CrowdOperation& operation, CrowdAnswer* answer) {
  v1::DeleteSplitRequest request;
  request.set_name(SplitName(operation.name));
  request.set_request_id(operation.request_id);
  if (operation.for_good) request.mutable_kept_time();
  v1::Split response;
  grpc::ClientContext context;
  const grpc::Status status = splits_->DeleteSplit(&context, request, &response);
  TakeSplit(response, answer);
  return TakeDeleted(operation, status, answer);
}

CrowdModel CrowdClient::Read() {
  v1::ListCrowdsRequest request;
  request.set_parent(kPopulation);
  request.set_page_size(1'000);
  request.set_show_deleted(true);
  v1::ListCrowdsResponse response;
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
  context.set_wait_for_ready(true);
  const grpc::Status status = crowds_->ListCrowds(&context, request, &response);
  if (!status.ok()) Die("list crowds", status);
  if (!response.next_page_token().empty()) Die("more crowds than a page", status);
  CrowdModel model;
  for (const v1::Crowd& crowd : response.crowds()) {
    const std::string name = LastPart(crowd.name());
    // "w1" is no prefix of "w12c3".
    const bool is_own = name.starts_with(prefix_) && name.size() > prefix_.size() &&
                        name.find_first_of("0123456789", prefix_.size()) != prefix_.size();
    if (is_own && !IsForGood(crowd)) model[name] = ReadCrowd(name, crowd);
  }
  return model;
}

CrowdTwin CrowdClient::ReadCrowd(const std::string& name, const v1::Crowd& crowd) {
  CrowdTwin twin{.kind = crowd.kind() == v1::CROWD_KIND_RULE     ? CrowdTwin::Kind::kRule
                         : crowd.kind() == v1::CROWD_KIND_UPLOAD ? CrowdTwin::Kind::kUpload
                                                                 : CrowdTwin::Kind::kArm,
                 .description = crowd.description(),
                 .text = crowd.expression()};
  twin.is_deleted = crowd.state() == v1::CROWD_STATE_DELETED;
  twin.is_frozen = crowd.state() == v1::CROWD_STATE_FROZEN;
  v1::ListCrowdVersionsRequest request;
  request.set_parent(crowd.name());
  v1::ListCrowdVersionsResponse response;
  grpc::ClientContext context;
  const grpc::Status status = crowds_->ListCrowdVersions(&context, request, &response);
  if (!status.ok()) Die(fmt::format("list versions of {}", name), status);
  for (const v1::CrowdVersion& each : response.versions()) {
    VersionModel& version = twin.versions[each.version()];
    version = {.computed_count = each.computed_count(),
               .previous = each.previous_version(),
               .added = each.added(),
               .removed = each.removed(),
               .data_version = each.data_version(),
               .current_count = each.current_count()};
    if (twin.is_deleted) continue;
    version.ids = ReadIds(fmt::format("crowd('{}', {})", name, each.version()));
  }
  const uint32_t newest = twin.versions.empty() ? 0 : twin.versions.rbegin()->first;
  const uint32_t keep_last = twin.kind == CrowdTwin::Kind::kArm ? kArmKeepLast : kKeepLast;
  const bool agrees =
      twin.State() == StateText(crowd.state()) && crowd.newest_version().version() == newest &&
      crowd.version_count() == twin.versions.size() && crowd.keep_last() == keep_last;
  if (!agrees) Die(fmt::format("crowd {}: {}", name, crowd.ShortDebugString()), status);
  if (newest != 0 && !twin.is_deleted &&
      ReadIds(fmt::format("crowd('{}')", name)) != twin.versions.at(newest).ids) {
    Die(fmt::format("crowd {} is not its version {}", name, newest), status);
  }
  if (twin.kind == CrowdTwin::Kind::kUpload && !twin.is_deleted) ReadUploads(name, &twin);
  return twin;
}

void CrowdClient::ReadUploads(const std::string& name, CrowdTwin* twin) {
  v1::ListUploadsRequest request;
  request.set_parent(CrowdName(name));
  v1::ListUploadsResponse response;
  grpc::ClientContext context;
  const grpc::Status status = uploads_->ListUploads(&context, request, &response);
  if (!status.ok()) Die(fmt::format("list uploads of {}", name), status);
  for (const v1::Upload& upload : response.uploads()) {
    const auto version = twin->versions.find(upload.version().version());
    if (version == twin->versions.end()) {
      Die(fmt::format("{} made no version that is there", upload.name()), status);
    }
    version->second.upload = ToCounts(upload);
  }
}

std::set<std::string> CrowdClient::ReadIds(const std::string& expression) {
  v1::ExportMembersRequest request;
  request.mutable_selection()->set_expression(expression);
  grpc::ClientContext context;
  const auto stream = selections_->ExportMembers(&context, request);
  std::set<std::string> ids;
  bool is_complete = false;
  v1::ExportMembersResponse frame;
  while (stream->Read(&frame)) {
    ids.insert(frame.ids().begin(), frame.ids().end());
    is_complete = is_complete || frame.complete();
  }
  const grpc::Status status = stream->Finish();
  if (!status.ok() || !is_complete) Die(expression, status);
  return ids;
}

}  // namespace throng::crash
