// SPDX-License-Identifier: Apache-2.0
// The handler of each route, by the names of routes.cpp.
#pragma once
#include "gateway/api/route.hpp"

namespace hiky::gateway::api {

task<api_result> publish(api_call& call);
task<api_result> messages(api_call& call);
task<api_result> participants(api_call& call);
task<api_result> joined(api_call& call);
task<api_result> members(api_call& call);
task<api_result> add_member(api_call& call);
task<api_result> remove_member(api_call& call);

task<api_result> online(api_call& call);
task<api_result> online_count(api_call& call);
task<api_result> user(api_call& call);
task<api_result> user_rooms(api_call& call);
task<api_result> user_connections(api_call& call);
task<api_result> offline_messages(api_call& call);
task<api_result> clear_offline_messages(api_call& call);
task<api_result> send_frame(api_call& call);
task<api_result> disconnect(api_call& call);
task<api_result> pardon(api_call& call);

task<api_result> clients(api_call& call);
task<api_result> typing(api_call& call);
task<api_result> instances(api_call& call);
task<api_result> explain_user(api_call& call);
task<api_result> explain_message(api_call& call);
task<api_result> redis_info(api_call& call);
task<api_result> cleanup(api_call& call);
task<api_result> openapi(api_call& call);

}  // namespace hiky::gateway::api
