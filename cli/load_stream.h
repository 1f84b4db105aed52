// The client's side of UserService.Load: sends batches, keeps few of them unanswered, and turns
// the server's row errors back into lines of the file.
//
//   LoadStream stream(v1::UserService::NewStub(channel), 4, &log);
//   SetStreamDeadline(options, stream.context());
//   stream.Start(header);   // and on as a BatchSink
#ifndef THRONG_CLI_LOAD_STREAM_H_
#define THRONG_CLI_LOAD_STREAM_H_

#include <grpcpp/grpcpp.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "cli/batch_sink.h"
#include "cli/row_error_log.h"
#include "throng/v1/user.grpc.pb.h"

namespace throng::cli {

// For one thread; it has another one of its own that reads the answers.
class LoadStream final : public BatchSink {
 public:
  // At most `window` batches are sent and not yet answered. Row errors of the server go to `log`,
  // which must outlive the stream.
  LoadStream(std::unique_ptr<v1::UserService::StubInterface> stub, size_t window, RowErrorLog* log);
  LoadStream(const LoadStream&) = delete;
  LoadStream& operator=(const LoadStream&) = delete;
  // Cancels the load unless it was finished.
  ~LoadStream() override;

  // To be set up before Start().
  grpc::ClientContext& context() { return context_; }

  void Start(const v1::LoadHeader& header) override;
  bool Send(LoadBatch batch) override;
  // A call that ends well without a summary is INTERNAL.
  grpc::Status Finish(v1::LoadSummary& summary) override;
  void Cancel() override;
  uint64_t rows_answered() const override;
  uint64_t data_version() const override;

 private:
  using Stream = grpc::ClientReaderWriterInterface<v1::LoadRequest, v1::LoadResponse>;

  struct Sent {
    uint64_t number = 0;
    std::vector<uint64_t> lines;
  };

  void ReadAnswers();
  void TakeProgress(const v1::LoadProgress& progress);
  bool HasRoom() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return over_ || unanswered_.size() < window_;
  }

  const std::unique_ptr<v1::UserService::StubInterface> stub_;
  grpc::ClientContext context_;
  const size_t window_;
  RowErrorLog* const log_;
  std::unique_ptr<Stream> stream_;
  std::thread reader_;
  bool finished_ = false;

  mutable absl::Mutex mutex_;
  std::deque<Sent> unanswered_ ABSL_GUARDED_BY(mutex_);
  std::optional<v1::LoadSummary> summary_ ABSL_GUARDED_BY(mutex_);
  uint64_t rows_answered_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t data_version_ ABSL_GUARDED_BY(mutex_) = 0;
  bool over_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace throng::cli

#endif  // THRONG_CLI_LOAD_STREAM_H_
