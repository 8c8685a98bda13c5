// /etc/jitsi/meet/meet.example.org-config.js: at the end of the file.
// Who opens a conference without a token is sent to Narada.
config.tokenAuthUrl = 'https://narada.example.org/jitsi-auth/{room}?state={state}';
// Joining by telephone
config.dialInConfCodeUrl = 'https://narada.example.org/jitsi/dial-in/conference';
config.dialInNumbersUrl = 'https://narada.example.org/jitsi/dial-in/numbers';
