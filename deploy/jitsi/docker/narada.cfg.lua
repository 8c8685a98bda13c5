-- Narada on meet.jitsi: https://narada.example.org
-- ${CONFIG}/prosody/config/conf.d/narada.cfg.lua; which modules are loaded is said in .env.
-- Prosody reads the folder in any order: no option may stand in this file and in another one.
-- It holds keys: chmod 640, readable for Prosody alone.

-- The keys for ending conferences, speaking into them and removing people. Without this line, or with the address of the
-- keys for entering, everybody's token would do all of that (P2).
prosody_password_public_key_repo_url = "https://narada.example.org/jitsi/control-keys"

VirtualHost "meet.jitsi"
    -- cache_keys_url stays unset: with it the endpoints above take the tokens for entering as well (P2).

    -- Whether a conference may begin. While nobody answers, none does (P6).
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

Component "muc.meet.jitsi" "muc"
    -- The organizer is moderator, nobody else: by token_affiliation, with enable-auto-owner = false in Jicofo (P11).
    wait_for_host_disable_auto_owners = true
    token_verification_require_token_for_moderation = true
    -- Recorders have no token (P18).
    token_verification_allowlist = { "hidden.meet.jitsi" }

-- Who came and went, as far as we need to know: no names, no addresses (P17).
Component "esync.meet.jitsi" "event_sync_component"
    muc_component = "muc.meet.jitsi"
    breakout_component = "breakout.meet.jitsi"
    api_prefix = "https://narada.example.org/jitsi"
    api_headers = { ["Authorization"] = "Bearer KEY-FROM-NARADA" }
    api_timeout = 5
    api_retry_count = 5
    api_retry_delay = 2
    include_speaker_stats = false
    include_user_info = false
