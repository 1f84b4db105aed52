#include "tests/cli/fake_load_server.h"

#include <algorithm>
#include <deque>
#include <thread>

#include "absl/time/time.h"
#include "fmt/format.h"
#include "throng/v1/error.pb.h"

namespace throng::cli {
namespace {

uint64_t RowsOf(const v1::ColumnBatch& batch) {
  return static_cast<uint64_t>(batch.ids().numbers().values_size() +
                               batch.ids().texts().ends_size());
}

// Batches on their way from the reading thread to the answering one.
struct Waiting {
  absl::Mutex mutex;
  std::deque<v1::ColumnBatch> batches;
  size_t most = 0;
  size_t answer_after = 1;
  bool ended = false;

  bool Ready() const { return ended || batches.size() >= answer_after; }
};

grpc::Status RefuseFirstRow() {
  v1::ErrorDetail detail;
  detail.set_reason("TOO_MANY_ERRORS");
  detail.set_has_row(true);
  v1::Status trailer;
  trailer.add_details()->PackFrom(detail);
  return {grpc::StatusCode::INVALID_ARGUMENT, "one row was refused", trailer.SerializeAsString()};
}

v1::LoadResponse Answer(const v1::ColumnBatch& batch, const FakeBehaviour& behaviour,
                        v1::LoadSummary& summary) {
  v1::LoadResponse response;
  v1::LoadProgress& progress = *response.mutable_progress();
  progress.set_batch_number(batch.batch_number());
  progress.set_data_version(100 + batch.batch_number());
  uint64_t refused = 0;
  for (const uint64_t row : behaviour.refused_rows) {
    if (row >= RowsOf(batch)) continue;
    ++refused;
    v1::RowError& error = *progress.add_errors();
    error.set_batch_number(batch.batch_number());
    error.set_row(row);
    error.set_tag("age");
    error.set_reason("VALUE_OUT_OF_RANGE");
    error.set_message("not this one");
  }
  progress.set_rows(RowsOf(batch) - refused);
  summary.set_rows(summary.rows() + progress.rows());
  summary.set_users_created(summary.rows());
  summary.set_rows_refused(summary.rows_refused() + refused);
  summary.set_data_version(progress.data_version());
  return response;
}

}  // namespace

grpc::Status FakeLoadTags::ListTags(grpc::ServerContext*, const v1::ListTagsRequest* request,
                                    v1::ListTagsResponse* response) {
  absl::MutexLock lock(&mutex_);
  // One tag a page.
  auto it = request->page_token().empty() ? tags_.begin() : tags_.find(request->page_token());
  if (it == tags_.end()) return grpc::Status::OK;
  *response->add_tags() = it->second;
  if (++it != tags_.end()) response->set_next_page_token(it->first);
  return grpc::Status::OK;
}

grpc::Status FakeLoadTags::CreateTag(grpc::ServerContext*, const v1::CreateTagRequest* request,
                                     v1::Tag* response) {
  absl::MutexLock lock(&mutex_);
  *response = request->tag();
  response->set_name(fmt::format("{}/tags/{}", request->parent(), request->tag_id()));
  tags_[request->tag_id()] = *response;
  return grpc::Status::OK;
}

void FakeLoadTags::Add(const std::string& id, v1::TagType type, int32_t scale) {
  absl::MutexLock lock(&mutex_);
  v1::Tag& tag = tags_[id];
  tag.set_name("populations/default/tags/" + id);
  tag.set_type(type);
  tag.set_scale(scale);
}

std::map<std::string, v1::Tag> FakeLoadTags::tags() const {
  absl::MutexLock lock(&mutex_);
  return tags_;
}

grpc::Status FakeLoadUsers::Load(grpc::ServerContext* context, Stream* stream) {
  {
    absl::MutexLock lock(&mutex_);
    ++running_;
  }
  Waiting waiting;
  waiting.answer_after = behaviour.answer_after;
  SeenLoads seen;
  v1::LoadSummary summary;
  grpc::Status status;
  std::thread answering([&] {
    while (true) {
      v1::ColumnBatch batch;
      {
        absl::MutexLock lock(&waiting.mutex);
        waiting.mutex.Await(absl::Condition(&waiting, &Waiting::Ready));
        // Time for one batch too many to come, if the client sends it.
        if (waiting.answer_after > 1 && !waiting.ended) {
          waiting.mutex.AwaitWithTimeout(absl::Condition(&waiting.ended), absl::Milliseconds(50));
        }
        if (waiting.batches.empty()) return;
        batch = waiting.batches.front();
        // Before it is answered: the client may send the next one as soon as it is.
        waiting.batches.pop_front();
      }
      stream->Write(Answer(batch, behaviour, summary));
    }
  });
  v1::LoadRequest request;
  while (status.ok() && stream->Read(&request)) {
    if (request.has_header()) seen.headers.push_back(request.header());
    if (!request.has_batch()) continue;
    seen.batches.push_back(request.batch());
    if (request.batch().batch_number() == behaviour.fail_at_batch) {
      status = RefuseFirstRow();
      break;
    }
    absl::MutexLock lock(&waiting.mutex);
    waiting.batches.push_back(request.batch());
    waiting.most = std::max(waiting.most, waiting.batches.size());
  }
  {
    absl::MutexLock lock(&waiting.mutex);
    waiting.ended = true;
    seen.unanswered_most = waiting.most;
  }
  answering.join();
  seen.cancelled = context->IsCancelled();
  seen.completed = status.ok() && !seen.cancelled;
  if (seen.completed) {
    v1::LoadResponse response;
    *response.mutable_summary() = summary;
    stream->Write(response);
  }
  absl::MutexLock lock(&mutex_);
  seen_ = seen;
  --running_;
  return status;
}

SeenLoads FakeLoadUsers::seen() {
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(
      +[](int* running) { return *running == 0; }, &running_));
  return seen_;
}

FakeLoadServer::FakeLoadServer() {
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
  builder.SetMaxReceiveMessageSize(64 << 20);
  builder.RegisterService(&tags);
  builder.RegisterService(&users);
  server_ = builder.BuildAndStart();
}

FakeLoadServer::~FakeLoadServer() { server_->Shutdown(); }

GlobalOptions FakeLoadServer::Options() const {
  GlobalOptions options;
  options.server = fmt::format("127.0.0.1:{}", port_);
  options.json = true;
  return options;
}

}  // namespace throng::cli
