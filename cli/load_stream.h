// The client's side of UserService.Load: sends batches, keeps few of them unanswered, and turns
// the server's row errors back into lines of the file.
//
//   LoadStream stream(*stub, context, 4, &log);
//   stream.Start(header);
//   while (... && stream.Send(std::move(batch))) {}
//   v1::LoadSummary summary;
//   grpc::Status status = stream.Finish(summary);
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
#include "cli/batch_builder.h"
#include "cli/row_error_log.h"
#include "throng/v1/user.grpc.pb.h"

namespace throng::cli {

// One load. Start(), Send(), Finish() and Cancel() are for one thread; the rest is thread-safe.
class LoadStream {
 public:
  // At most `window` batches are sent and not yet answered. Row errors of the server go to `log`.
  // All must outlive the stream.
  LoadStream(v1::UserService::StubInterface& stub, grpc::ClientContext& context, size_t window,
             RowErrorLog* log);
  LoadStream(const LoadStream&) = delete;
  LoadStream& operator=(const LoadStream&) = delete;
  // Cancels the load unless it was finished.
  ~LoadStream();

  // Opens the call and sends the header.
  void Start(const v1::LoadHeader& header);
  // Waits until the window has room and sends. False: the call is over, Finish() says why.
  bool Send(LoadBatch batch);
  // Says that everything was sent, waits for the answers, gives the summary. When the server fails
  // the call for a row, that row goes to the log. A call that ends well without a summary is
  // INTERNAL.
  grpc::Status Finish(v1::LoadSummary& summary);
  // Gives the call up. What a REPLACE has staged is dropped by the server, and the old content
  // stays.
  void Cancel();

  // Rows in answered batches.
  uint64_t rows_answered() const;
  // The newest data version that an answer gave; 0: none.
  uint64_t data_version() const;

 private:
  using Stream = grpc::ClientReaderWriterInterface<v1::LoadRequest, v1::LoadResponse>;

  struct Sent {
    uint64_t number = 0;
    std::vector<uint64_t> lines;
  };

  void ReadAnswers();
  void TakeProgress(const v1::LoadProgress& progress);
  void LogFailedRow(const grpc::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool HasRoom() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return over_ || unanswered_.size() < window_;
  }

  v1::UserService::StubInterface& stub_;
  grpc::ClientContext& context_;
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
