-- FreeSWITCH (mod_lua; curl on the machine): asks callers for the PIN of a session of Narada and sends them on to Jigasi.
-- Not run on a real switchboard yet; see README.md. In the dialplan: <action application="lua" data="narada_pin.lua"/>
--
-- /etc/freeswitch/narada.header holds one line, readable by FreeSWITCH alone: Authorization: Bearer <key>
-- Recordings to make: narada-pin.wav, narada-wrong.wav, narada-again.wav, narada-bye.wav.

local URL = "https://narada.example.org/jitsi/dial-in/conference"
local JIGASI = "sofia/internal/jigasi@jitsi.example.org;transport=tcp"

-- POST, so that the PIN stands in no log of a proxy. Digits only: nothing else reaches the command line.
local function ask(pin, caller)
  local command = "curl --silent --max-time 10 --header @/etc/freeswitch/narada.header"
    .. " --data id=" .. pin .. " --data caller=" .. caller .. " " .. URL
  local pipe = io.popen(command)
  local answer = pipe:read("*a")
  pipe:close()
  return answer
end

local function digits(text)
  return ((text or ""):gsub("%D", ""))
end

session:answer()
for _try = 1, 4 do
  local pin = digits(session:playAndGetDigits(9, 9, 1, 10000, "#", "narada-pin.wav", "", "\\d{9}"))
  if not session:ready() then
    return
  end
  if pin ~= "" then
    local answer = ask(pin, digits(session:getVariable("caller_id_number")))
    local room = answer:match('"conference":%s*"([^"]+)"')
    local token = answer:match('"Jitsi%-Auth%-Token":%s*"([^"]+)"')
    if room and token then
      session:setVariable("sip_h_Jitsi-Conference-Room", room)
      session:setVariable("sip_h_Jitsi-Auth-Token", token)
      session:execute("bridge", JIGASI)
      return
    end
    if (tonumber(answer:match('"retry_after":%s*(%d+)')) or 0) > 0 then
      -- The same PIN is looked at when it comes again after 20 seconds.
      session:streamFile("narada-again.wav")
      session:sleep(21000)
    else
      session:streamFile("narada-wrong.wav")
    end
  end
end
session:streamFile("narada-bye.wav")
session:hangup()
