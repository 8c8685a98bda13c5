-- Narada on meet.example.org: https://narada.example.org
-- /etc/prosody/conf.avail/narada.cfg.lua, with a link to it in /etc/prosody/conf.d.
-- Which modules are loaded is said in the file of the package, see modules.lua.
-- Prosody reads the folder in any order: no option may stand in this file and in another one.
-- It holds keys: chmod 640, readable for Prosody alone.

-- The keys for ending conferences, speaking into them and removing people. Without this line, or with the address of the
-- keys for entering, everybody's token would do all of that (P2).
prosody_password_public_key_repo_url = "https://narada.example.org/jitsi/control-keys"

VirtualHost "meet.example.org"
    -- Who enters. authentication, app_id and app_secret are in the file of the package: jitsi-meet-tokens puts them there.
    signature_algorithm = "RS256"
    asap_key_server = "https://narada.example.org/jitsi/keys"
    asap_accepted_issuers = { "narada" }
    asap_accepted_audiences = { "jitsi" }
    allow_empty_token = false
    -- Off, the domain in a token counts for nothing, and guests enter everywhere (P14).
    enable_domain_verification = true
    -- cache_keys_url stays unset: with it the endpoints above take the tokens for entering as well (P2).

    -- Whether a conference may begin. While nobody answers, none does (P6).
    reservations_api_prefix = "https://narada.example.org/jitsi"
    reservations_api_headers = { ["Authorization"] = "Bearer KEY-FROM-NARADA" }
    -- A request without an answer is not repeated; an answer with 500 and above is.
    reservations_api_timeout = 5
    reservations_api_retry_count = 3
    reservations_api_retry_delay = 1
    -- Needs muc_max_occupants with a number, below.
    reservations_enable_max_occupants = true
    -- These would shut out the organizer (P5), and everybody has a token of their own.
    reservations_enable_lobby_support = false
    reservations_enable_password_support = false

    -- Who is where. Port 5280 is open inside only; with true the tokens for entering would be asked for, not ours.
    enable_roomsize_token_verification = false

Component "conference.meet.example.org" "muc"
    -- The organizer is moderator, nobody else: by token_affiliation, with enable-auto-owner = false in Jicofo (P11).
    wait_for_host_disable_auto_owners = true
    token_verification_require_token_for_moderation = true
    -- For every conference together with what a session asks for. Must be a number above 0.
    muc_max_occupants = 200
    muc_access_whitelist = { "focus@auth.meet.example.org"; "recorder@recorder.meet.example.org" }
    -- Recorders have no token (P18).
    token_verification_allowlist = { "recorder.meet.example.org" }

-- Who came and went, as far as we need to know: no names, no addresses (P17).
Component "esync.meet.example.org" "event_sync_component"
    muc_component = "conference.meet.example.org"
    breakout_component = "breakout.meet.example.org"
    api_prefix = "https://narada.example.org/jitsi"
    api_headers = { ["Authorization"] = "Bearer KEY-FROM-NARADA" }
    api_timeout = 5
    api_retry_count = 5
    api_retry_delay = 2
    include_speaker_stats = false
    include_user_info = false
