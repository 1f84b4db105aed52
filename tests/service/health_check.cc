#include "tests/service/health_check.h"

#include <gtest/gtest.h>

#include <vector>

#include "fmt/format.h"
#include "grpcpp/client_context.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/slice.h"

namespace throng::service {

grpc::Status CallWithBytes(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                           const std::string& request, std::string* response) {
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  const grpc::Slice slice(request);
  const auto call = stub.PrepareCall(&context, method, &queue);
  void* tag = nullptr;
  bool ok = false;
  const auto await = [&] { return queue.Next(&tag, &ok) && ok; };
  call->StartCall(nullptr);
  await();
  call->WriteLast(grpc::ByteBuffer(&slice, 1), {}, nullptr);
  await();
  grpc::ByteBuffer bytes;
  call->Read(&bytes, nullptr);
  if (await()) {
    std::vector<grpc::Slice> slices;
    EXPECT_TRUE(bytes.Dump(&slices).ok());
    for (const grpc::Slice& part : slices) {
      response->append(reinterpret_cast<const char*>(part.begin()), part.size());
    }
  }
  grpc::Status status;
  call->Finish(&status, nullptr);
  await();
  return status;
}

std::string Health(const std::shared_ptr<grpc::Channel>& channel, const std::string& service) {
  std::string request;
  if (!service.empty())
    request = fmt::format("\x0a{}{}", static_cast<char>(service.size()), service);
  std::string response;
  const grpc::Status status =
      CallWithBytes(channel, "/grpc.health.v1.Health/Check", request, &response);
  return status.ok() ? response : status.error_message();
}

}  // namespace throng::service
