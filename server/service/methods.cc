#include "server/service/methods.h"

#include <sstream>

#include "fmt/format.h"

namespace throng::service {

using google::protobuf::MethodDescriptor;

const MethodDescriptor* FindMethod(std::string_view name) {
  const size_t slash = name.find('/');
  const auto* service = google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(
      fmt::format("throng.v1.{}", name.substr(0, slash)));
  if (service == nullptr || slash == std::string_view::npos) return nullptr;
  return service->FindMethodByName(std::string(name.substr(slash + 1)));
}

std::map<std::string, const MethodDescriptor*, std::less<>> AllMethods(
    std::vector<std::string>* findings) {
  std::map<std::string, const MethodDescriptor*, std::less<>> methods;
  std::istringstream names(THRONG_PROTOS);
  for (std::string name; names >> name;) {
    const auto* file = google::protobuf::DescriptorPool::generated_pool()->FindFileByName(
        fmt::format("throng/v1/{}.proto", name));
    if (file == nullptr) findings->push_back(fmt::format("{}.proto is not linked in", name));
    for (int i = 0; file != nullptr && i < file->service_count(); ++i) {
      const auto* service = file->service(i);
      for (int j = 0; j < service->method_count(); ++j) {
        methods.emplace(fmt::format("{}/{}", service->name(), service->method(j)->name()),
                        service->method(j));
      }
    }
  }
  return methods;
}

}  // namespace throng::service
