// Hands batches from the thread that parses the file to the one that sends them, so that both work
// at the same time.
//
//   BatchQueue queue(2);
//   std::thread parser([&] { while (...) queue.Push(...); queue.End(absl::OkStatus()); });
//   LoadBatch batch;
//   while (queue.Pop(batch)) stream.Send(std::move(batch));
//   queue.Close();
//   parser.join();
#ifndef THRONG_CLI_BATCH_QUEUE_H_
#define THRONG_CLI_BATCH_QUEUE_H_

#include <cstddef>
#include <deque>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "cli/batch_builder.h"

namespace throng::cli {

// Thread-safe.
class BatchQueue {
 public:
  // Holds at most `capacity` batches.
  explicit BatchQueue(size_t capacity) : capacity_(capacity) {}

  // Waits for room. False: nobody will take it, the caller may stop.
  bool Push(LoadBatch batch) {
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(this, &BatchQueue::HasRoom));
    if (closed_) return false;
    batches_.push_back(std::move(batch));
    return true;
  }
  // Nothing more will be pushed; `status` says why.
  void End(absl::Status status) {
    absl::MutexLock lock(&mutex_);
    ended_ = true;
    status_ = std::move(status);
  }
  // Waits for a batch. False: all are taken and nothing more will come.
  bool Pop(LoadBatch& batch) {
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(this, &BatchQueue::HasBatchOrEnd));
    if (batches_.empty()) return false;
    batch = std::move(batches_.front());
    batches_.pop_front();
    return true;
  }
  // Nothing more will be popped.
  void Close() {
    absl::MutexLock lock(&mutex_);
    closed_ = true;
  }
  // What End() was told; OK before.
  absl::Status status() const {
    absl::MutexLock lock(&mutex_);
    return status_;
  }

 private:
  bool HasRoom() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return closed_ || batches_.size() < capacity_;
  }
  bool HasBatchOrEnd() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return ended_ || !batches_.empty();
  }

  const size_t capacity_;
  mutable absl::Mutex mutex_;
  std::deque<LoadBatch> batches_ ABSL_GUARDED_BY(mutex_);
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace throng::cli

#endif  // THRONG_CLI_BATCH_QUEUE_H_
