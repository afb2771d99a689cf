import { useAccount } from 'production-chat/react'

interface AgentPickerProps {
  agent: string
  onChange: (agent: string) => void
}

/** Whom the next message is for. What the plan lacks can be seen, but not chosen. */
export function AgentPicker({ agent, onChange }: AgentPickerProps) {
  const { agents, quotas } = useAccount()
  if (agents.length === 0) return null
  return (
    <label className="agent-picker">
      <span className="pc-hidden">Agent</span>
      <select value={agent} onChange={(event) => onChange(event.target.value)}>
        {agents.map(({ id, name, description }) => {
          const isAllowed = quotas?.agents == null || quotas.agents.includes(id)
          return (
            <option key={id} value={id} disabled={!isAllowed} title={description}>
              {isAllowed ? name : `${name} (not in your plan)`}
            </option>
          )
        })}
      </select>
    </label>
  )
}

export function useAgentName(agent: string): string {
  return useAccount().agents.find(({ id }) => id === agent)?.name ?? 'Assistant'
}
