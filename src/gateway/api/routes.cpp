// SPDX-License-Identifier: Apache-2.0
// The table of all routes: what is not here does not exist, and what is here is documented.
#include <array>

#include "gateway/api/handlers.hpp"

namespace hiky::gateway {
namespace {

using boost::beast::http::verb;
using enum auth::api_scope;

constexpr api_parameter limit{"query", "limit", R"({"type":"integer","minimum":1,"maximum":1000,"default":100})",
                              "How many entries a page holds; of lists beyond a thousand, about as many"};
constexpr api_parameter cursor{"query", "cursor", R"({"type":"string"})", "`next` of the page before"};
constexpr std::array paged{limit, cursor};
constexpr std::array history{
    limit, cursor,
    api_parameter{"query", "after", R"({"type":"string"})", "A messageId: what the room has said since, oldest first"}};
constexpr std::array whose{
    api_parameter{"query", "room", R"({"$ref":"#/components/schemas/Id"})",
                  "The message's room, which saves looking for it"},
    api_parameter{"query", "user", R"({"$ref":"#/components/schemas/Id"})", "This recipient alone"}};
constexpr std::array once{api_parameter{"header", "Idempotency-Key",
                                        R"({"type":"string","minLength":1,"maxLength":130})",
                                        "The same key with the same body gives the first answer again, for a day "
                                        "(hikyd --dedup); with another body it is refused"}};

constexpr std::array table{
    api_route{verb::post, "/rooms/{room}/messages", publish, api::publish, "publishMessage",
              "Publishes a message to a room", "Published", "PublishRequest", once, http_status::created},
    api_route{verb::get,
              "/rooms/{room}/messages",
              read,
              api::messages,
              "listMessages",
              "The room's latest messages, older ones page by page",
              "MessagePage",
              {},
              history},
    api_route{verb::get,
              "/rooms/{room}/participants",
              read,
              api::participants,
              "listParticipants",
              "Who takes part in the room, with a connection",
              "IdPage",
              {},
              paged},
    api_route{verb::get,
              "/rooms/{room}/joined",
              read,
              api::joined,
              "listJoined",
              "Who has the room open",
              "IdPage",
              {},
              paged},
    api_route{verb::get,
              "/rooms/{room}/members",
              read,
              api::members,
              "listMembers",
              "Who belongs to the room, connected or not",
              "IdPage",
              {},
              paged},
    api_route{verb::put, "/rooms/{room}/members/{user}", admin, api::add_member, "addMember",
              "Makes a user a member of the room", "Membership"},
    api_route{verb::delete_, "/rooms/{room}/members/{user}", admin, api::remove_member, "removeMember",
              "Takes a user out of the room, on all devices", "Membership"},
    api_route{verb::get, "/users/online", read, api::online, "listOnlineUsers", "Who is online", "IdPage", {}, paged},
    api_route{verb::get, "/users/online/count", read, api::online_count, "countOnlineUsers",
              "How many users are online", "Count"},
    api_route{verb::get, "/users/{user}", read, api::user, "getUser", "What is known of a user", "User"},
    api_route{verb::get,
              "/users/{user}/rooms",
              read,
              api::user_rooms,
              "listRoomsOfUser",
              "The rooms that the user belongs to",
              "IdPage",
              {},
              paged},
    api_route{verb::get, "/users/{user}/connections", read, api::user_connections, "listConnectionsOfUser",
              "The user's open connections, on all instances", "Connections"},
    api_route{verb::get, "/users/{user}/offline-messages", read, api::offline_messages, "listOfflineMessages",
              "What waits for the user", "OfflineMessages"},
    api_route{verb::delete_, "/users/{user}/offline-messages", admin, api::clear_offline_messages,
              "clearOfflineMessages", "Throws away what waits for the user", "Removed"},
    api_route{verb::post, "/users/{user}/messages", publish, api::send_frame, "sendFrame",
              "Sends a frame to all connections of a user", "FrameSent", "FrameRequest", once},
    api_route{verb::post, "/users/{user}/disconnect", admin, api::disconnect, "disconnectUser",
              "Ends all connections of a user, and keeps the user out for a while if asked", "Disconnected",
              "DisconnectRequest"},
    api_route{verb::delete_, "/users/{user}/ban", admin, api::pardon, "pardonUser", "Ends a ban before its time",
              "Pardoned"},
    api_route{verb::get,
              "/clients",
              read,
              api::clients,
              "listClients",
              "Everybody's newest connection",
              "ClientPage",
              {},
              paged},
    api_route{verb::get, "/typing", read, api::typing, "listTyping", "Who types, and where", "TypingPage", {}, paged},
    api_route{verb::get, "/instances", read, api::instances, "listInstances", "The instances that share this Redis",
              "Instances"},
    api_route{verb::get, "/explain/users/{user}", read, api::explain_user, "explainUser",
              "Why a user is online or not, connection by connection", "UserExplanation"},
    api_route{verb::get,
              "/explain/messages/{id}",
              read,
              api::explain_message,
              "explainMessage",
              "What became of a message, recipient by recipient",
              "MessageExplanation",
              {},
              whose},
    api_route{verb::get, "/redis/info", read, api::redis_info, "getRedisInfo", "What Redis says about itself",
              "RedisInfo"},
    api_route{verb::post, "/maintenance/cleanup", admin, api::cleanup, "cleanUp",
              "Deletes everything under ws: in the WebSocket database", "Removed", "CleanupRequest"},
    api_route{verb::get, "/openapi.json", std::nullopt, api::openapi, "getOpenApi", "This description", "OpenApi"},
};

}  // namespace

std::span<api_route const> api_routes() { return table; }

}  // namespace hiky::gateway
