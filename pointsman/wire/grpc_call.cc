#include "pointsman/wire/grpc_call.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>

#include "pointsman/base/bug.h"
#include "pointsman/base/grpc_prefix.h"
#include "pointsman/base/gzip.h"
#include "pointsman/wire/grpc_connection.h"
#include "pointsman/wire/http2_stream.h"

namespace pointsman {
namespace {

constexpr std::size_t kPrefix = GrpcPrefix::kBytes;
constexpr std::size_t kEagerRoom = std::size_t{128} << 10U;

constexpr std::array<Http2Field, 2> kHead{
    {{":status", "200"}, {"content-type", "application/grpc"}}};

// Percent-encodes what grpc-message may not contain.
std::string encoded(std::string_view message) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  out.reserve(message.size());
  for (const char c : message) {
    const auto byte = static_cast<std::uint8_t>(c);
    if (byte >= 0x20U && byte < 0x7FU && c != '%') {
      out += c;
    } else {
      out += '%';
      out += kHex[byte >> 4U];
      out += kHex[byte & 0xFU];
    }
  }
  return out;
}

// Answers when the client has said all, so that no request is cut off by its answer.
class UnaryReceiver final : public GrpcReceiver {
 public:
  UnaryReceiver(GrpcCall& call, const GrpcUnary& answer) : call_(call), answer_(answer) {}

  void received(std::string_view message) override {
    if (reply_) {
      reply_ = GrpcReply{GrpcStatus::internal, "a unary call carries one message", {}};
    } else {
      reply_ = answer_(message);
    }
  }
  void half_closed() override {
    if (!reply_) return call_.finish(GrpcStatus::internal, "a unary call carries one message");
    if (reply_->status == GrpcStatus::ok) call_.write(reply_->body);
    call_.finish(reply_->status, reply_->message);
  }
  void cancelled(GrpcStatus, std::string_view) override {}

 private:
  GrpcCall& call_;
  const GrpcUnary& answer_;
  std::optional<GrpcReply> reply_;
};

}  // namespace

void GrpcRoutes::unary(std::string path, GrpcUnary answer) {
  streaming(std::move(path), [answer = std::move(answer)](GrpcCall& call) {
    return std::make_unique<UnaryReceiver>(call, answer);
  });
}

void GrpcRoutes::streaming(std::string path, GrpcStreaming open) {
  if (find(path) != nullptr) bug("two methods at " + path);
  routes_.push_back({std::move(path), std::move(open)});
}

const GrpcRoute* GrpcRoutes::find(std::string_view path) const {
  const auto at = std::ranges::find(routes_, path, &GrpcRoute::path);
  return at == routes_.end() ? nullptr : &*at;
}

void GrpcCall::begin(GrpcConnection& connection, Http2Stream& stream, const GrpcRoute& route,
                     Encoding encoding) {
  connection_ = &connection;
  stream_ = &stream;
  encoding_ = encoding;
  state_ = State::open;
  receiver_ = route.open(*this);
}

std::span<char> GrpcCall::reserve(std::size_t n) {
  if (state_ != State::open) bug("a write to a finished call");
  if (!stream_->responded()) stream_->respond(kHead);
  const std::span<char> room = stream_->reserve(kPrefix + n);
  room[0] = 0;
  for (std::size_t i = 1; i < kPrefix; ++i) room[i] = static_cast<char>(n >> (8U * (4U - i)));
  return room.subspan(kPrefix);
}

void GrpcCall::commit(std::size_t n) {
  stream_->commit(kPrefix + n);
}

void GrpcCall::write(std::string_view message) {
  char* to = reserve(message.size()).data();
  if (!message.empty()) std::memcpy(to, message.data(), message.size());
  commit(message.size());
}

void GrpcCall::finish(GrpcStatus status, std::string_view message) {
  if (state_ != State::open) bug("a call finished twice");
  state_ = State::finished;
  const std::string code = std::to_string(static_cast<unsigned>(status));
  const std::string text = encoded(message);
  const std::array<Http2Field, 4> fields{
      {kHead[0], kHead[1], {"grpc-status", code}, {"grpc-message", text}}};
  std::span<const Http2Field> sent = fields;
  if (text.empty()) sent = sent.first(3);
  if (stream_->responded()) {
    stream_->finish(sent.subspan(kHead.size()));
  } else {
    stream_->respond(sent, true);
  }
}

std::size_t GrpcCall::queued() const {
  return stream_->queued();
}

void GrpcCall::received(std::string_view bytes) {
  const std::size_t size = bytes.size();
  while (state_ == State::open && !partial_.empty() && !bytes.empty()) bytes = gather(bytes);
  while (state_ == State::open && bytes.size() >= kPrefix && acceptable(bytes)) {
    const std::size_t whole = kPrefix + GrpcPrefix::of(bytes).size;
    if (bytes.size() < whole) break;
    deliver(bytes.substr(0, whole));
    bytes.remove_prefix(whole);
  }
  if (state_ == State::open && !bytes.empty()) {
    partial_ = connection_->pool_.take();
    partial_.append(bytes);
  }
  stream_->credit(size);
}

// Adds to the message in arrival what it still lacks; returns the rest of `bytes`.
std::string_view GrpcCall::gather(std::string_view bytes) {
  const bool has_prefix = partial_.size() >= kPrefix;
  const std::size_t whole = has_prefix ? kPrefix + GrpcPrefix::of(partial_.bytes()).size : kPrefix;
  const std::size_t lacking = whole - partial_.size();
  // Room for the whole message at once, unless only a hostile peer would make it that large.
  if (lacking <= kEagerRoom) partial_.reserve(lacking);
  const std::string_view piece = bytes.substr(0, lacking);
  partial_.append(piece);
  bytes.remove_prefix(piece.size());
  if (piece.size() < lacking) return bytes;
  if (!has_prefix) {
    if (acceptable(partial_.bytes()) && GrpcPrefix::of(partial_.bytes()).size > 0) return bytes;
    if (state_ != State::open) return bytes;
  }
  ByteQueue message = std::move(partial_);
  deliver(message.bytes());
  connection_->pool_.give(message);
  return bytes;
}

bool GrpcCall::acceptable(std::string_view prefix) {
  const auto [flag, size] = GrpcPrefix::of(prefix);
  const std::size_t limit = connection_->limits_.max_receive;
  if (size > limit) {
    fail(GrpcStatus::resource_exhausted, "a message of " + std::to_string(size) +
                                             " bytes is larger than the limit of " +
                                             std::to_string(limit));
    return false;
  }
  if (flag > 1 || (flag == 1 && encoding_ == Encoding::identity)) {
    fail(GrpcStatus::internal, "a message is flagged as compressed, but no encoding was agreed");
    return false;
  }
  return true;
}

void GrpcCall::deliver(std::string_view framed) {
  const std::string_view message = framed.substr(kPrefix);
  if (framed[0] == 0) return receiver_->received(message);
  const auto size = gunzipped_size(message, connection_->limits_.max_receive);
  if (!size) {
    if (size.error().code != Code::too_large)
      return fail(GrpcStatus::internal, size.error().message);
    return fail(GrpcStatus::resource_exhausted,
                "a decompressed message is larger than the limit of " +
                    std::to_string(connection_->limits_.max_receive));
  }
  ByteQueue plain = connection_->pool_.take();
  if (const auto done = gunzip(message, plain.reserve(*size)); done) {
    plain.commit(*size);
    receiver_->received(plain.bytes());
  } else {
    fail(GrpcStatus::internal, done.error().message);
  }
  connection_->pool_.give(plain);
}

// Ends the call over the service's head.
void GrpcCall::fail(GrpcStatus status, std::string_view message) {
  if (status == GrpcStatus::resource_exhausted) {
    count(connection_->limits_.http2.refusals, Refusal::grpc_message_size);
  }
  finish(status, message);
  receiver_->cancelled(status, message);
}

void GrpcCall::half_closed() {
  if (state_ != State::open) return;
  if (!partial_.empty()) return fail(GrpcStatus::internal, "the last message is cut short");
  receiver_->half_closed();
}

void GrpcCall::closed(bool) {
  const bool tell = std::exchange(state_, State::finished) == State::open;
  if (tell) receiver_->cancelled(GrpcStatus::cancelled, {});
  receiver_.reset();
  connection_->pool_.give(partial_);
  stream_ = nullptr;
  state_ = State::idle;
  connection_->put_back(*this);
}

}  // namespace pointsman
