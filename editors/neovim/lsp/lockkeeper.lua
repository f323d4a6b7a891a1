-- Lockkeeper in Neovim 0.11 and later: put this folder on the runtimepath, then `vim.lsp.enable('lockkeeper')`.

--- Shows Markdown that the server answered with, in a scratch buffer beside the current one.
local function show(title, markdown)
  local buffer = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_lines(buffer, 0, -1, false, vim.split(markdown, '\n'))
  vim.bo[buffer].filetype = 'markdown'
  vim.bo[buffer].modifiable = false
  vim.cmd.vsplit()
  vim.api.nvim_win_set_buf(0, buffer)
  vim.api.nvim_buf_set_name(buffer, title .. ' ' .. buffer)
end

return {
  cmd = { 'lockkeeper', 'lsp' },
  filetypes = { 'sql' },
  init_options = { showsAnswers = true },
  root_markers = { { 'lockkeeper.toml' }, '.git' },
  commands = {
    -- "Explain": the answer is Markdown, and Neovim has no window for that of its own.
    ['lockkeeper.explain'] = function(command, context)
      local client = assert(vim.lsp.get_client_by_id(context.client_id))
      local params = { command = command.command, arguments = command.arguments }
      client:request('workspace/executeCommand', params, function(err, answer)
        if err then
          vim.notify(err.message, vim.log.levels.ERROR)
        elseif type(answer) == 'string' then
          show('lockkeeper explain', answer)
        end
      end, context.bufnr)
    end,
  },
}
