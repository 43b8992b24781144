#include "pointsman/app/certificate_watch.h"

#include <array>
#include <chrono>
#include <fcntl.h>
#include <filesystem>
#include <memory>
#include <poll.h>
#include <sstream>
#include <string>
#include <unistd.h>

#include <gtest/gtest.h>

#include "pointsman/base/testing/temporary_folder.h"
#include "pointsman/wire/listener.h"
#include "pointsman/wire/stream.h"
#include "pointsman/wire/testing/certificate.h"

namespace pointsman {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using testing::Certificate;
using testing::make_certificate;

constexpr const char* kName = "picker.test";

// A TLS server whose certificate is watched, its log, and clients.
class Server {
 public:
  explicit Server(const std::string& directory)
      : tls_(*TlsContext::server({.certificate_file = CertificateWatch::certificate_file(directory),
                                  .key_file = CertificateWatch::key_file(directory)})),
        listener_(*Listener::open(loop_, *Address::parse("127.0.0.1:0"), {.tls = tls_},
                                  {{loop_, [this](auto s) { taken_.push_back(std::move(s)); }}})),
        watch_(directory, tls_, Logger(logger_), {.settle = 1ms, .look_every = 20ms}) {}
  // Whether a client that trusts nothing but `certificate` gets a connection.
  bool shows(const Certificate& certificate) {
    folder_.write("ca.pem", certificate.certificate);
    ConnectOptions options{.tls = *TlsContext::client({.ca_file = folder_.path("ca.pem")}),
                           .server_name = kName};
    std::optional<bool> connected;
    const auto connecting = connect(loop_, listener_->address(), std::move(options),
                                    [&](auto stream) { connected = stream.has_value(); });
    EXPECT_TRUE(loop_.run_until([&] { return connected.has_value(); }));
    return connected.value_or(false);
  }

  // Whether `holds` comes true; asked again after every line of the log.
  template <typename Holds>
  bool soon(const Holds& holds) {
    while (!holds()) {
      if (!hear()) return false;
    }
    return true;
  }
  bool soon_shows(const Certificate& certificate) {
    return soon([&] { return shows(certificate); });
  }

  // How often `text` has been logged.
  int logged(std::string_view text) {
    while (hear(0ms)) {
    }
    std::istringstream log(heard_);
    int lines = 0;
    for (std::string line; std::getline(log, line);) lines += line.contains(text) ? 1 : 0;
    return lines;
  }

 private:
  // Waits until something is logged; false when nothing is.
  bool hear(std::chrono::milliseconds limit = 10s) {
    pollfd waiting{.fd = log_.ends[0], .events = POLLIN, .revents = 0};
    if (::poll(&waiting, 1, static_cast<int>(limit.count())) != 1) return false;
    std::array<char, 4096> piece{};
    const auto size = ::read(log_.ends[0], piece.data(), piece.size());
    if (size <= 0) return false;
    heard_.append(piece.data(), static_cast<std::size_t>(size));
    return true;
  }

  struct Pipe {
    Pipe() { EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0); }
    ~Pipe() {
      for (const int end : ends) ::close(end);
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    std::array<int, 2> ends{};  // to read, to write
  };

  testing::TemporaryFolder folder_;
  Pipe log_;  // outlives the watch, whose threads write to it
  std::string heard_;
  Log logger_{log_.ends[1]};
  Loop loop_;
  std::vector<std::unique_ptr<Stream>> taken_;
  std::shared_ptr<TlsContext> tls_;
  std::unique_ptr<Listener> listener_;
  CertificateWatch watch_;
};

void put(const testing::TemporaryFolder& folder, const Certificate& pair) {
  folder.replace("tls.crt", pair.certificate);
  folder.replace("tls.key", pair.key);
}

TEST(CertificateWatch, ShowsNewConnectionsTheNewCertificate) {
  const Certificate first = make_certificate(kName);
  const Certificate second = make_certificate(kName);
  const testing::TemporaryFolder folder;
  put(folder, first);
  Server server(folder.path(""));
  EXPECT_TRUE(server.shows(first));
  EXPECT_FALSE(server.shows(second));
  put(folder, second);
  EXPECT_TRUE(server.soon_shows(second));
  EXPECT_FALSE(server.shows(first));
}

TEST(CertificateWatch, KeepsTheOldOneWhileTheNewOneIsBroken) {
  const Certificate first = make_certificate(kName);
  const Certificate second = make_certificate(kName);
  const testing::TemporaryFolder folder;
  put(folder, first);
  Server server(folder.path(""));
  EXPECT_TRUE(server.shows(first));
  folder.replace("tls.key", second.key);  // belongs to another certificate
  const std::string_view kept = "the old one stays in service";
  EXPECT_TRUE(server.soon([&] { return server.logged(kept) == 1; }));
  EXPECT_TRUE(server.shows(first));
  folder.replace("tls.crt", "no certificate at all");
  EXPECT_TRUE(server.soon([&] { return server.logged(kept) == 2; }));
  EXPECT_TRUE(server.shows(first));
  EXPECT_EQ(server.logged("tls.key: key values mismatch"), 1);
  EXPECT_EQ(server.logged("tls.crt: no start line"), 1);
  folder.replace("tls.crt", second.certificate);
  EXPECT_TRUE(server.soon_shows(second));
  EXPECT_EQ(server.logged(kept), 2);
}

TEST(CertificateWatch, SaysNothingOfFilesThatAreWrittenAgainUnchanged) {
  const Certificate first = make_certificate(kName);
  const Certificate second = make_certificate(kName);
  const testing::TemporaryFolder folder;
  put(folder, first);
  Server server(folder.path(""));
  put(folder, first);
  put(folder, second);
  EXPECT_TRUE(server.soon_shows(second));
  EXPECT_TRUE(server.soon([&] { return server.logged("shown the new certificate") >= 1; }));
  EXPECT_EQ(server.logged("shown the new certificate"), 1);
}

// Kubernetes mounts a secret as links through `..data`, and moves that link.
TEST(CertificateWatch, FollowsALinkThatMoves) {
  namespace fs = std::filesystem;
  const testing::TemporaryFolder folder;
  const auto publish = [&](const std::string& version, const Certificate& pair) {
    fs::create_directory(folder.path(version));
    folder.write(version + "/tls.crt", pair.certificate);
    folder.write(version + "/tls.key", pair.key);
    fs::create_directory_symlink(version, folder.path("..data_tmp"));
    fs::rename(folder.path("..data_tmp"), folder.path("..data"));
  };
  publish("..v0", make_certificate(kName));
  fs::create_symlink("..data/tls.crt", folder.path("tls.crt"));
  fs::create_symlink("..data/tls.key", folder.path("tls.key"));
  Server server(folder.path(""));
  for (int i = 1; i <= 5; ++i) {
    const Certificate next = make_certificate(kName);
    publish("..v" + std::to_string(i), next);
    EXPECT_TRUE(server.soon_shows(next)) << i;
  }
}

}  // namespace
}  // namespace pointsman
