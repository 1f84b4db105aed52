// Hands items from one thread to another, a few ahead, so that both work at the same time: batches
// from who parses a file to who sends them, frames from who receives them to who writes a file.
//
//   BoundedQueue<LoadBatch> queue(2);
//   std::thread parser([&] { while (...) queue.Push(...); queue.End(absl::OkStatus()); });
//   LoadBatch batch;
//   while (queue.Pop(batch)) stream.Send(std::move(batch));
//   queue.Close();
//   parser.join();
#ifndef THRONG_CLI_BOUNDED_QUEUE_H_
#define THRONG_CLI_BOUNDED_QUEUE_H_

#include <cstddef>
#include <deque>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"

namespace throng::cli {

// Thread-safe.
template <typename Item>
class BoundedQueue {
 public:
  // Holds at most `capacity` items.
  explicit BoundedQueue(size_t capacity) : capacity_(capacity) {}

  // Waits for room. False: nobody will take it, the caller may stop.
  bool Push(Item item) {
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(this, &BoundedQueue::HasRoom));
    if (closed_) return false;
    items_.push_back(std::move(item));
    return true;
  }
  // Nothing more will be pushed; `status` says why.
  void End(absl::Status status) {
    absl::MutexLock lock(&mutex_);
    ended_ = true;
    status_ = std::move(status);
  }
  // Waits for an item. False: all are taken and nothing more will come.
  bool Pop(Item& item) {
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(this, &BoundedQueue::HasItemOrEnd));
    if (items_.empty()) return false;
    item = std::move(items_.front());
    items_.pop_front();
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
    return closed_ || items_.size() < capacity_;
  }
  bool HasItemOrEnd() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return ended_ || !items_.empty(); }

  const size_t capacity_;
  mutable absl::Mutex mutex_;
  std::deque<Item> items_ ABSL_GUARDED_BY(mutex_);
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace throng::cli

#endif  // THRONG_CLI_BOUNDED_QUEUE_H_
