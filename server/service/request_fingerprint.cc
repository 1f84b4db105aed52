#include "server/service/request_fingerprint.h"

#include <memory>
#include <string>

#define XXH_INLINE_ALL
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "xxhash.h"

namespace throng::service {

uint64_t RequestFingerprint(const google::protobuf::Message& request,
                            std::initializer_list<std::string_view> without) {
  const std::unique_ptr<google::protobuf::Message> copy(request.New());
  copy->CopyFrom(request);
  for (std::string_view name : without) {
    const auto* field = request.GetDescriptor()->FindFieldByName(std::string(name));
    copy->GetReflection()->ClearField(copy.get(), field);
  }
  std::string bytes = request.GetDescriptor()->full_name();
  bytes += '\0';
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    copy->SerializeToCodedStream(&coded);
  }
  return Fingerprint(bytes);
}

uint64_t Fingerprint(std::string_view bytes) { return XXH64(bytes.data(), bytes.size(), 0); }

}  // namespace throng::service
