// Paths of fields as a table of calls writes them.
#ifndef THRONG_SERVER_SERVICE_PATH_NAMES_H_
#define THRONG_SERVER_SERVICE_PATH_NAMES_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <initializer_list>
#include <string_view>

namespace throng::service {

// E.g. {"parent", "names"}; at most three. A value; thread-compatible.
class PathNames {
 public:
  constexpr PathNames() = default;
  constexpr PathNames(std::initializer_list<std::string_view> paths)
      : size_(std::min(paths.size(), paths_.size())) {
    std::copy_n(paths.begin(), size_, paths_.begin());
  }
  constexpr const std::string_view* begin() const { return paths_.data(); }
  constexpr const std::string_view* end() const { return paths_.data() + size_; }
  constexpr bool empty() const { return size_ == 0; }

 private:
  std::array<std::string_view, 3> paths_;
  size_t size_ = 0;
};

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_PATH_NAMES_H_
