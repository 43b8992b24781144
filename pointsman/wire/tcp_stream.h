#pragma once

// Internal to wire/*.cc.

#include <memory>
#include <span>
#include <string_view>

#include "pointsman/wire/reactor.h"
#include "pointsman/wire/stream.h"

namespace pointsman {

// Plain TCP. Readiness comes from the loop's reactor, bytes go straight to the kernel.
class TcpStream final : public Stream {
 public:
  // Takes a connected socket that never blocks. `token` is let go when the stream closes.
  TcpStream(Loop& loop, std::unique_ptr<Watch> socket, const Address& peer,
            std::shared_ptr<void> token = nullptr);
  ~TcpStream() override;

  void when_readable(Ready ready) override;
  void ignore_readable() override;
  void when_over(Ready ready) override;
  void when_writable(Ready ready) override;
  Result<ReadResult> read(std::span<char> into) override;
  Result<std::size_t> write(std::span<const std::string_view> parts) override;
  void finish() override;
  void close(bool reset) override;
  bool open() const override { return watch_ != nullptr; }
  const Address& peer() const override { return peer_; }
  std::string_view alpn() const override { return {}; }
  Loop& loop() override { return loop_; }

 private:
  std::unexpected<Error> failure(const char* what) const;

  Loop& loop_;
  Address peer_;
  std::unique_ptr<Watch> watch_;  // null: closed
  std::shared_ptr<void> token_;
};

}  // namespace pointsman
