// Lets any number of operations run until somebody needs the store for itself.
//
//   OperationGate::Pass pass(gate);            // an operation
//   OperationGate::Closure closed(gate);       // waits until none runs; new ones wait
//   OperationGate::TryPass pass(gate, check);  // an operation that rather fails than waits
#ifndef THRONG_STORAGE_OPERATION_GATE_H_
#define THRONG_STORAGE_OPERATION_GATE_H_

#include <cstdint>

#include "absl/status/status.h"
#include "index/mutex.h"

namespace throng::storage {

// Thread-safe. An operation must not pass a second time while it runs: it could wait for itself.
class OperationGate {
 public:
  class Pass {
   public:
    explicit Pass(OperationGate& gate) : gate_(gate) { gate_.Enter(); }
    ~Pass() { gate_.Leave(); }
    Pass(const Pass&) = delete;
    Pass& operator=(const Pass&) = delete;

   private:
    OperationGate& gate_;
  };

  class TryPass {
   public:
    // While the gate is closed, `check` says whether to wait (OK) or why not. It must not use the
    // gate.
    template <typename Check>
    TryPass(OperationGate& gate, const Check& check) : gate_(gate), status_(gate.TryEnter(check)) {}
    ~TryPass() {
      if (status_.ok()) gate_.Leave();
    }
    TryPass(const TryPass&) = delete;
    TryPass& operator=(const TryPass&) = delete;

    // OK: the operation may run.
    const absl::Status& status() const { return status_; }

   private:
    OperationGate& gate_;
    const absl::Status status_;
  };

  class Closure {
   public:
    explicit Closure(OperationGate& gate) : gate_(gate) { gate_.Close(); }
    ~Closure() { gate_.Open(); }
    Closure(const Closure&) = delete;
    Closure& operator=(const Closure&) = delete;

   private:
    OperationGate& gate_;
  };

 private:
  void Enter() {
    index::MutexLock lock(mutex_);
    while (is_closed_) changed_.Wait(mutex_);
    ++running_;
  }
  template <typename Check>
  absl::Status TryEnter(const Check& check) {
    index::MutexLock lock(mutex_);
    while (is_closed_) {
      absl::Status status = check();
      if (!status.ok()) return status;
      changed_.Wait(mutex_);
    }
    ++running_;
    return absl::OkStatus();
  }
  void Leave() {
    index::MutexLock lock(mutex_);
    --running_;
    changed_.NotifyAll();
  }
  void Close() {
    index::MutexLock lock(mutex_);
    while (is_closed_) changed_.Wait(mutex_);
    is_closed_ = true;
    while (running_ > 0) changed_.Wait(mutex_);
  }
  void Open() {
    index::MutexLock lock(mutex_);
    is_closed_ = false;
    changed_.NotifyAll();
  }

  index::Mutex mutex_;
  index::ConditionVariable changed_;
  bool is_closed_ THRONG_GUARDED_BY(mutex_) = false;
  uint32_t running_ THRONG_GUARDED_BY(mutex_) = 0;
};

}  // namespace throng::storage

#endif  // THRONG_STORAGE_OPERATION_GATE_H_
