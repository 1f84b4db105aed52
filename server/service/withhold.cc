#include "server/service/withhold.h"

#include <algorithm>
#include <numeric>
#include <string>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/reflection.h"

namespace throng::service {

namespace {

bool IsNamed(const google::protobuf::Message& message,
             const google::protobuf::FieldDescriptor& names, std::string_view field) {
  const auto& all = message.GetReflection()->GetRepeatedFieldRef<std::string>(message, &names);
  return std::find(all.begin(), all.end(), field) != all.end();
}

}  // namespace

void Withhold(google::protobuf::Message* message, std::initializer_list<std::string_view> fields) {
  const google::protobuf::Reflection& reflection = *message->GetReflection();
  const google::protobuf::Descriptor& type = *message->GetDescriptor();
  const auto* names = type.FindFieldByName("withheld");
  for (const std::string_view field : fields) {
    if (IsNamed(*message, *names, field)) continue;
    reflection.ClearField(message, type.FindFieldByName(std::string(field)));
    reflection.AddString(message, names, std::string(field));
  }
}

bool IsClose(uint64_t a, uint64_t b, uint64_t minimum) {
  return std::max(a, b) - std::min(a, b) < minimum;
}

std::vector<bool> WithheldCells(const std::vector<uint64_t>& cells, uint64_t minimum,
                                const std::vector<bool>& more) {
  std::vector<bool> withheld(cells.size());
  size_t count = 0;
  uint64_t sum = 0;
  const auto withhold = [&](size_t i) {
    withheld[i] = true;
    ++count;
    sum += cells[i];
  };
  for (size_t i = 0; i < cells.size(); ++i) {
    if (cells[i] < minimum || (!more.empty() && more[i])) withhold(i);
  }
  if (count == 0) return withheld;
  std::vector<size_t> order(cells.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return cells[a] < cells[b]; });
  for (const size_t i : order) {
    if (count >= 2 && sum >= minimum) break;
    if (!withheld[i]) withhold(i);
  }
  return withheld;
}

bool Apart::Show(uint64_t number) {
  if (number < minimum_) return false;
  const auto above = shown_.lower_bound(number);
  if (above != shown_.end() && IsClose(*above, number, minimum_)) return false;
  if (above != shown_.begin() && IsClose(*std::prev(above), number, minimum_)) return false;
  shown_.insert(above, number);
  return true;
}

}  // namespace throng::service
