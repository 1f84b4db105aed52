#include "cli/load_stream.h"

#include <algorithm>
#include <utility>

namespace throng::cli {

LoadStream::LoadStream(std::unique_ptr<v1::UserService::StubInterface> stub, size_t window,
                       RowErrorLog* log)
    : stub_(std::move(stub)), window_(std::max<size_t>(window, 1)), log_(log) {}

LoadStream::~LoadStream() {
  if (stream_ != nullptr && !finished_) Cancel();
}

void LoadStream::Start(const v1::LoadHeader& header) {
  stream_ = stub_->Load(&context_);
  reader_ = std::thread([this] { ReadAnswers(); });
  v1::LoadRequest request;
  *request.mutable_header() = header;
  // A failed write ends the reader too, and Finish() tells why.
  (void)stream_->Write(request);
}

bool LoadStream::Send(LoadBatch batch) {
  {
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(this, &LoadStream::HasRoom));
    if (over_) return false;
    unanswered_.push_back(
        Sent{.number = batch.request.batch().batch_number(), .lines = std::move(batch.lines)});
  }
  return stream_->Write(batch.request);
}

grpc::Status LoadStream::Finish(v1::LoadSummary& summary) {
  (void)stream_->WritesDone();
  reader_.join();
  finished_ = true;
  const grpc::Status status = stream_->Finish();
  absl::MutexLock lock(&mutex_);
  if (!status.ok()) {
    // Batches are taken in order: the row that ended the call is one of the oldest unanswered.
    if (!unanswered_.empty()) LogFailedRow(status, unanswered_.front().lines, *log_);
    return status;
  }
  if (!summary_) {
    return grpc::Status(grpc::StatusCode::INTERNAL, "the server ended the load without a summary");
  }
  summary = *summary_;
  return status;
}

void LoadStream::Cancel() {
  context_.TryCancel();
  reader_.join();
  finished_ = true;
  (void)stream_->Finish();
}

void LoadStream::ReadAnswers() {
  v1::LoadResponse response;
  while (stream_->Read(&response)) {
    if (response.has_progress()) {
      TakeProgress(response.progress());
    } else if (response.has_summary()) {
      absl::MutexLock lock(&mutex_);
      summary_ = response.summary();
    }
  }
  absl::MutexLock lock(&mutex_);
  over_ = true;
}

void LoadStream::TakeProgress(const v1::LoadProgress& progress) {
  absl::MutexLock lock(&mutex_);
  const auto sent = std::find_if(unanswered_.begin(), unanswered_.end(), [&](const Sent& s) {
    return s.number == progress.batch_number();
  });
  if (sent == unanswered_.end()) return;
  LogRowErrors(progress, sent->lines, *log_);
  rows_answered_ += sent->lines.size();
  data_version_ = std::max(data_version_, progress.data_version());
  unanswered_.erase(sent);
}

uint64_t LoadStream::rows_answered() const {
  absl::MutexLock lock(&mutex_);
  return rows_answered_;
}

uint64_t LoadStream::data_version() const {
  absl::MutexLock lock(&mutex_);
  return data_version_;
}

}  // namespace throng::cli
