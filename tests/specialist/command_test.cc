// Commands to a house: which devices, rooms and values a sentence names, and what it takes back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "specialist/annotator.h"
#include "specialist/home.h"
#include "temp_folder.h"

namespace sotto {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Home TheHome() {
  auto home = Home::Read(SOTTO_SOURCE_DIR "/specialists/device_commands/home.yaml");
  EXPECT_TRUE(home) << (home ? "" : home.error().message);
  return home ? *std::move(home) : Home();
}

TEST(InHome, NamesAndWhatIsTakenBack) {
  const Home home = TheHome();
  const auto find = [&](std::string_view text) { return FindInHome(text, home); };
  EXPECT_THAT(find("turn on the lamp in the kitchen").devices, ElementsAre("light"));
  EXPECT_THAT(find("turn on the lamp in the kitchen").rooms, ElementsAre("kitchen"));
  EXPECT_THAT(find("light in the kitchen, no, the bedroom").rooms, ElementsAre("bedroom"));
  EXPECT_THAT(find("not the lamp, the heater").devices, ElementsAre("heater"));
  EXPECT_THAT(find("the heater instead of the lamp please").devices, ElementsAre("heater"));
  EXPECT_THAT(find("lights off in the hall and the bathroom").rooms, ElementsAre("hall", "bathroom"));
  EXPECT_THAT(find("open the garage door").devices, ElementsAre("garage door"));
  EXPECT_THAT(find("open the garage door").rooms, IsEmpty());
  EXPECT_THAT(find("don't leave the fan running").devices, ElementsAre("fan"));
  EXPECT_THAT(find("is the light on or not").devices, ElementsAre("light"));
  EXPECT_EQ(find("switch on the sauna please").unknown, "sauna");
  EXPECT_EQ(find("switch on the lamp please").unknown, "");
}

TEST(DeviceCommands, AreUnderstoodAndWhatIsNotThereIsNotDone) {
  const auto commands = OpenSpecialist(SOTTO_SOURCE_DIR "/specialists/device_commands", {});
  ASSERT_TRUE(commands) << commands.error().message;
  const auto of = [&](const std::string& text) { return (*commands)->Annotate({&text, 1})[0]; };
  Json got = of("turn off the lights in the kitchen");
  EXPECT_EQ(got["decision"], "accept") << got;
  EXPECT_EQ(got["label"], "turn_off");
  EXPECT_EQ(got["device"], "light");
  EXPECT_EQ(got["room"], "kitchen");
  got = of("set the heating in the bedroom to 19, no, 21 degrees");
  EXPECT_EQ(got["label"], "set_temperature") << got;
  EXPECT_EQ(got["value"], 21);
  EXPECT_EQ(got["room"], "bedroom");
  got = of("is the front door locked");
  EXPECT_EQ(got["label"], "ask_state") << got;
  got = of("turn on the sauna");
  EXPECT_NE(got["decision"], "accept") << got;
  EXPECT_THAT(got.value("why", ""), HasSubstr("'sauna'"));
  got = of("lock the lamp");
  EXPECT_NE(got["decision"], "accept") << got;
  EXPECT_NE(of("what is the exchange rate of the dollar")["decision"], "accept");
}

TEST(InHome, MistakesAreNamed) {
  const TempFolder folder;
  const auto error = [&](const std::string& text) {
    std::ofstream(folder / "home.yaml") << text;
    return Home::Read(folder / "home.yaml").error().message;
  };
  EXPECT_THAT(error("rooms: {kitchen: []}\n"), HasSubstr("'devices' is empty"));
  EXPECT_THAT(error("rooms: {kitchen: []}\ndevices: {lamp: {rooms: [attic]}}\n"), HasSubstr("'attic'"));
  EXPECT_THAT(error("rooms: [\n"), HasSubstr("home.yaml:"));
  EXPECT_THAT(error("rooms: {kitchen: []}\ndevices: {lamp: {}}\ncolors: [red]\n"), HasSubstr("colors"));
}

}  // namespace
}  // namespace sotto
