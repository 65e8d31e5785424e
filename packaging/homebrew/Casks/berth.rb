cask "berth" do
  version "{{version}}"
  sha256 "{{sha256 Berth-{version}-mac-universal.dmg}}"

  url "{{download}}/Berth-#{version}-mac-universal.dmg"
  name "Berth"
  desc "Private container registry, one click away"
  homepage "{{repository}}"

  depends_on macos: ">= :ventura"

  app "Berth.app"
  binary "#{appdir}/Berth.app/Contents/Resources/berth"
  binary "#{appdir}/Berth.app/Contents/Resources/berth", target: "docker-credential-berth"

  uninstall quit: "io.berth.desktop"
end
