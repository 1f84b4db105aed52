// A shared pointer of 8 bytes to an immutable object that carries its own reference count.
//
//   class BitmapShard : public RefCounted<BitmapShard> {...};
//   RefPtr<const BitmapShard> shard = ...;
//
// Thread-compatible, like std::shared_ptr: the pointee may be shared between threads.
#ifndef THRONG_INDEX_REF_PTR_H_
#define THRONG_INDEX_REF_PTR_H_

#include <atomic>
#include <cstdint>
#include <utility>

namespace throng::index {

// Derived must have `static void Destroy(const Derived*)`, called at the last Unref.
template <typename Derived>
class RefCounted {
 public:
  RefCounted() = default;
  RefCounted(const RefCounted&) = delete;
  RefCounted& operator=(const RefCounted&) = delete;

  void Ref() const { references_.fetch_add(1, std::memory_order_relaxed); }
  void Unref() const {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      Derived::Destroy(static_cast<const Derived*>(this));
    }
  }

 private:
  mutable std::atomic<uint32_t> references_{1};
};

template <typename T>
class RefPtr {
 public:
  RefPtr() = default;
  // Takes over the reference that `object` was made with.
  static RefPtr Adopt(T* object) {
    RefPtr pointer;
    pointer.object_ = object;
    return pointer;
  }
  RefPtr(const RefPtr& other) : object_(other.object_) {
    if (object_ != nullptr) object_->Ref();
  }
  RefPtr(RefPtr&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  RefPtr& operator=(RefPtr other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~RefPtr() {
    if (object_ != nullptr) object_->Unref();
  }

  T* get() const { return object_; }
  T* operator->() const { return object_; }
  T& operator*() const { return *object_; }
  explicit operator bool() const { return object_ != nullptr; }
  friend bool operator==(const RefPtr& a, const RefPtr& b) { return a.object_ == b.object_; }

 private:
  T* object_ = nullptr;
};

}  // namespace throng::index

#endif  // THRONG_INDEX_REF_PTR_H_
