class Berth < Formula
  desc "Private container registry, one click away"
  homepage "{{repository}}"
  version "{{version}}"
  license "Apache-2.0"

  on_macos do
    on_arm do
      url "{{download}}/berth-{{version}}-mac-arm64.tar.gz"
      sha256 "{{sha256 berth-{version}-mac-arm64.tar.gz}}"
    end
    on_intel do
      url "{{download}}/berth-{{version}}-mac-x64.tar.gz"
      sha256 "{{sha256 berth-{version}-mac-x64.tar.gz}}"
    end
  end

  on_linux do
    on_arm do
      url "{{download}}/berth-{{version}}-linux-arm64.tar.gz"
      sha256 "{{sha256 berth-{version}-linux-arm64.tar.gz}}"
    end
    on_intel do
      url "{{download}}/berth-{{version}}-linux-x64.tar.gz"
      sha256 "{{sha256 berth-{version}-linux-x64.tar.gz}}"
    end
  end

  def install
    bin.install "berth"
    bin.install_symlink bin/"berth" => "docker-credential-berth"
  end

  service do
    run [opt_bin/"berth", "serve"]
    keep_alive crashed: true
    error_log_path var/"log/berth.log"
  end

  test do
    assert_equal version.to_s, shell_output("#{bin}/berth --version").strip
  end
end
