// A mutex that Clang's thread-safety analysis understands and the thread sanitizer instruments.
//
//   Mutex mutex_;
//   int count_ THRONG_GUARDED_BY(mutex_);
//   ...
//   MutexLock lock(mutex_);
//   while (count_ == 0) changed_.Wait(mutex_);
#ifndef THRONG_INDEX_MUTEX_H_
#define THRONG_INDEX_MUTEX_H_

#include <chrono>
#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define THRONG_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define THRONG_THREAD_ANNOTATION(x)
#endif
#define THRONG_CAPABILITY(x) THRONG_THREAD_ANNOTATION(capability(x))
#define THRONG_SCOPED_CAPABILITY THRONG_THREAD_ANNOTATION(scoped_lockable)
#define THRONG_GUARDED_BY(x) THRONG_THREAD_ANNOTATION(guarded_by(x))
#define THRONG_REQUIRES(x) THRONG_THREAD_ANNOTATION(requires_capability(x))
#define THRONG_EXCLUDES(x) THRONG_THREAD_ANNOTATION(locks_excluded(x))
#define THRONG_ACQUIRE(...) THRONG_THREAD_ANNOTATION(acquire_capability(__VA_ARGS__))
#define THRONG_RELEASE(...) THRONG_THREAD_ANNOTATION(release_capability(__VA_ARGS__))

namespace throng::index {

// Thread-safe.
class THRONG_CAPABILITY("mutex") Mutex {
 public:
  void Lock() THRONG_ACQUIRE() { mutex_.lock(); }
  void Unlock() THRONG_RELEASE() { mutex_.unlock(); }

 private:
  friend class ConditionVariable;
  std::mutex mutex_;
};

// Holds a mutex while it lives.
class THRONG_SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) THRONG_ACQUIRE(mutex) : mutex_(mutex) { mutex_.Lock(); }
  ~MutexLock() THRONG_RELEASE() { mutex_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// Waits may wake without reason: wait in a loop on the condition. Thread-safe.
class ConditionVariable {
 public:
  void Wait(Mutex& mutex) THRONG_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    condition_.wait(lock);
    lock.release();
  }
  // False when `deadline` passed.
  bool WaitUntil(Mutex& mutex, std::chrono::steady_clock::time_point deadline)
      THRONG_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    const bool in_time = condition_.wait_until(lock, deadline) == std::cv_status::no_timeout;
    lock.release();
    return in_time;
  }
  void NotifyOne() { condition_.notify_one(); }
  void NotifyAll() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace throng::index

#endif  // THRONG_INDEX_MUTEX_H_
